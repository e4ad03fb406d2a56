/** What the examples print whose output is the same each time: file, what is to be seen in it, output. */
export const outputs: readonly (readonly [file: string, behaviour: string, output: string])[] = [
  [
    "ag-ui.ts",
    "the fields of a reply are in an agent's state one after the other, its interrupt is answered by the next run",
    `
> Hi there, the coffee maker I bought 12 days ago leaks water. Can you help me? Best, Ana
being written: category
being written: urgency
being written: product
being written: customer
being written: summary
being written: reply
Hello Ana, thank you for writing to us. We understand that your coffee maker leaks water. We will offer a refund and then send a replacement. You will hear from us soon.
asks: sendReply {"to":"Ana"}
> yes
{ sent: true }
`,
  ],
  [
    "chat.ts",
    "fields of a chat's message are complete one after the other, its question is answered, and it goes on",
    `
> Hi there, the coffee maker I bought 12 days ago leaks water. Can you help me? Best, Ana
category: product
urgency: medium
product: coffee maker
customer: Ana
summary: Coffee maker issue: it leaks water.
reply: Hello Ana, thank you for writing to us. We understand that your coffee maker leaks water. We will offer a refund and then send a replacement. You will hear from us soon.
asks: tool-sendReply {"to":"Ana"}
note: coffee maker: CM-201, 24 months of warranty
> yes
note: The reply is on its way
`,
  ],
  [
    "serve.ts",
    "a flow is started, watched and answered over HTTP",
    `
item: Dear
item: Ann
asks: Dear Ann, your parcel is here.
result: sent
`,
  ],
  [
    "read-tokens.ts",
    "a token lets look at one execution, and at nothing else",
    `
with it: 200
without: 403
another execution: 403
the list: 403
`,
  ],
  [
    "guess.ts",
    "guesses come in and hints go out on one WebSocket",
    `
I think of a number from 1 to 100. 50?
lower. 25?
higher. 37?
37 it is, after 3 guesses
`,
  ],
  [
    "rate-limits.ts",
    "each client is counted by itself, and refused beyond its limit",
    `
ann: 201, left 1
ann: 201, left 0
ann: 429, left 0
bo: 201, left 1
`,
  ],
  [
    "hosts-node.ts",
    "a server of node:http puts its work away when it is told to go",
    `
listening
item: Dear
item: Ann
result: sent
closed
`,
  ],
  [
    "hosts-express.ts",
    "a flow is served by an Express app",
    `
item: Dear
item: Ann
result: sent
`,
  ],
  [
    "hosts-fastify.ts",
    "a flow is served by a Fastify app",
    `
item: Dear
item: Ann
result: sent
`,
  ],
  [
    "hosts-next.ts",
    "a flow is served by a route of Next",
    `
item: Dear
item: Ann
result: sent
`,
  ],
  [
    "approval.ts",
    "a question waits for its answer while the rest goes on, each answer leads on, and in between nothing is in memory",
    `
(nobody is at the terminal: a script answers, and the file is a temporary one)
  a draft is being written
  the courier is booked meanwhile
"Dear Ann, your parcel has arrived." What is to be added? (Enter: nothing)
> It waits at the reception.
"Dear Ann, your parcel has arrived. It waits at the reception." Is it to be posted? (y/n)
> y
  it is being posted
  posted: Dear Ann, your parcel has arrived. It waits at the reception.
{
  draft: 'Dear Ann, your parcel has arrived.',
  feedback: 'It waits at the reception.'
}
letters posted: 1
`,
  ],
  [
    "crash-and-resume.ts",
    "what a killed process had completed does not run again, its finished steps neither; the rest does",
    `
A process makes pictures of six photos, two at a time
  develop dog, key album-1/a2/develop
  develop cat, key album-1/a3/develop
  frame dog.jpg
  frame cat.jpg
  develop sea, key album-1/a4/develop
  develop moon, key album-1/a5/develop
  frame sea.jpg
It was killed. In the file: album-1, running, 12 entries
This process goes on with it
  develop moon, key album-1/a5/develop
  frame sea.jpg
  develop sky, key album-1/a6/develop
  frame moon.jpg
  develop sun, key album-1/a7/develop
  frame sky.jpg
  frame sun.jpg
[
  '[dog.jpg]',
  '[cat.jpg]',
  '[sea.jpg]',
  '[moon.jpg]',
  '[sky.jpg]',
  '[sun.jpg]'
]
Begun how often, in both processes together
  dog: developed 1, framed 1
  cat: developed 1, framed 1
  sea: developed 1, framed 2
  moon: developed 2, framed 1
  sky: developed 1, framed 1
  sun: developed 1, framed 1
`,
  ],
  [
    "time-travel.ts",
    "any moment is rebuilt, and a fork does again only what comes after its moment",
    `
An offer for a lamp and a desk
  lamp is looked up
  desk is looked up
240

Its moments
 1  flow:start             sum 0, 0 items
 2  chunk:start list       sum 0, 0 items
 3  chunk:complete         sum 0, 0 items
 4  chunk:start price      sum 0, 0 items
 5  stream:item price      sum 0, 1 items
 6  chunk:complete         sum 0, 1 items
 7  chunk:start price      sum 0, 1 items
 8  stream:item price      sum 0, 2 items
 9  chunk:complete         sum 0, 2 items
10  chunk:start add        sum 0, 2 items
11  state:changed add      sum 250, 2 items
12  chunk:complete         sum 250, 2 items
13  chunk:start total      sum 250, 2 items
14  chunk:complete         sum 250, 2 items
15  flow:completed         sum 250, 2 items

From entry 12 on
with other code: 225
with another state, too: 200

From the start, with another input
  lamp is looked up
  desk is looked up
  chair is looked up
306

What the mend has changed
{
  agreeUpTo: 12,
  chunks: [
    {
      chunk: 'total',
      lane: '/',
      nth: 1,
      one: { output: 240 },
      other: { output: 225 }
    }
  ],
  state: {},
  result: { one: 240, other: 225 }
}
`,
  ],
  [
    "07-validate-and-retry.ts",
    "an invalid field ends the generation, the next attempt is told, and what was confirmed does not run again",
    `
attempt 1
  the lamp is looked up
  refund does not fit: 80
  the generation has ended: aborted, 5 tokens saved
attempt 2
  50 euros are prepared
  the generation has ended: stop
Dear Ben, here it is.

the model was told: "nothing"
it wrote, aborted: {"product":"lamp","refund":80,

the model was told: [{"path":"refund","issues":[{"path":[],"message":"a refund is at most 50 euros, got 80"}],"raw":80}]
it wrote, finished: {"product":"lamp","refund":50,"letter":"Dear Ben, here it is."}
`,
  ],
  [
    "08-growing-fan-out.ts",
    "of a list that is written again only the changed item is undone and runs again",
    `
   0 ms  the model is asked, attempt 1
 100 ms  parts[0]: the bulb …
 120 ms  parts[0]: the bulb is reserved
 150 ms  parts[1]: the cable …
 170 ms  parts[1]: the cable is reserved
 200 ms  parts[2]: the switch …
 250 ms  the reply breaks off: reply-truncated
 300 ms  the model is asked, attempt 2
 425 ms  parts[2]: the switch is reserved
 450 ms  retracted: parts[1]
 460 ms  the cable is released
 460 ms  parts[1]: the plug …
 480 ms  parts[1]: the plug is reserved
 550 ms  parts[3]: the shade …
 550 ms  the model has finished
 570 ms  parts[3]: the shade is reserved
 570 ms  gathered: bulb, plug, switch, shade
[ 'bulb', 'plug', 'switch', 'shade' ]
`,
  ],
  [
    "fan-out-and-gather.ts",
    "results are gathered in the order of the items, one that failed is answered in its lane",
    `
Morning has 3 pages
Night has 0 pages
Noon has 1 pages
all pages of a chapter: []
read tea, at [0,2]
read soup, at [2,0]
all pages of a chapter: ["SOUP"]
read breakfast, at [0,0]
all pages of a chapter: ["BREAKFAST","(???)","TEA"]
[ 'BREAKFAST | (???) | TEA', '', 'SOUP' ]
`,
  ],
  [
    "agent-with-tools.ts",
    "tools run between the calls of a model, and the fields of a call trigger before it is complete",
    `
Runs on a clerk on this machine, who follows three rules.

a call of the model ends: tool-calls
findOrder starts: { order: 'A7' }
findOrder goes on: asking the warehouse
findOrder has done it
the bank details for A7 are looked up while the model is still writing
30 euros are to be paid back for A7
a call of the model ends: tool-calls
refund starts: { order: 'A7', euros: 30, reason: 'it arrived broken' }
refund has done it
a call of the model ends: stop
We have paid you back. Your receipt is R-A7.
`,
  ],
  [
    "recorded-model.ts",
    "a recorded model is played in virtual time",
    `
after 128 ms the category is complete: product
after 392 ms steps[0]: check the warranty
after 454 ms steps[1]: restart the device
after 517 ms steps[2]: send a replacement
after 592 ms steps[3]: ask for a photo
the model took 817 ms, this replay none of them
`,
  ],
  [
    "recorded-calls.ts",
    "whole calls are recorded, and played again without their tools",
    `
recorded: We have paid you back. Your receipt is R-1.
replayed: We have paid you back. Your receipt is R-1.
paid back 1 time: a replay tells of tools and does not run them
`,
  ],
  [
    "reply-without-a-flow.ts",
    "a reply is read without a flow",
    `
category: billing
one more step: confirm by email
one more step: check the order number
one more step: send a corrected invoice
one more step: compare the amount with the bank statement
74 pictures, the last of 5 keys; summary: Invoice issue: it was charged twice.
`,
  ],
  [
    "joins.ts",
    "joins fill by key, by lane, and end with their time",
    `
any      A is paid
any      B is paid
any      B is packed
all      B: 30 euros, a small box
latest   20 × 2 = 40
latest   20 × 3 = 60
race     Is it late? Yes
quorum   Is it late? Yes / Is it late? No (2 of 3)
race     Is it far? Yes
quorum   Is it far? Yes / Is it far? No (2 of 3)
timeout  of all that was to come there is only [{"order":{"id":"A"},"sum":20}]
`,
  ],
  [
    "compensation.ts",
    "completed chunks are undone, the last first, on failure and on cancel with rollback",
    `
An order that fails
  20 euros are charged
  order 1 is reserved
  flow:rollback, for it is to end as flow:failed
  order 1 is reserved no longer
  chunk:compensated reserve
  20 euros go back (payment-1)
  chunk:compensated charge
  flow:failed
SluiceError: The chunk "confirm" failed: the shop is closed (in purchase.confirm)

An order that is cancelled with a rollback
  30 euros are charged
  order 2 is reserved
  flow:rollback, for it is to end as flow:cancelled
  order 2 is reserved no longer
  chunk:compensated reserve
  30 euros go back (payment-2)
  chunk:compensated charge
  flow:cancelled
SluiceError: The execution was cancelled: the customer has left (in purchase)

An order that goes well
  40 euros are charged
  order 3 is reserved
  the shop has confirmed
  flow:completed
`,
  ],
  [
    "child-flows.ts",
    "children write into the log under their own path, a failing one is caught",
    `
shown: / has 2 links
shown: /a has 1 links
shown: /gone is left out: The chunk "count" failed: 404
6 links

In the log, with the path of each entry:
site › page#1: / has 2 links
site › page#1: state {"links":2}
site › page#2: /a has 1 links
site › page#2: state {"links":1}
site › page#3: /secret has 3 links
site › page#3: state {"links":3}
site › page#4: failed
site: /gone is left out: The chunk "count" failed: 404
`,
  ],
  [
    "timeouts-and-cancel.ts",
    "what is told to end ends, with its code",
    `
A chunk in time, and one that is not
  from the mirror in 0.01 s
  from elsewhere, because The chunk "mirror" took longer than 50 ms (in download.mirror). Raise its \`timeout\`, or make it faster
A flow whose time is over
  the abort signal has fired
  timeout, execution-timeout
A user who leaves
  the abort signal has fired
  because the user has left
  cancelled, execution-cancelled
A request that is aborted
  the abort signal has fired
  cancelled, execution-cancelled
A block that is left
  half of it is there
  the abort signal has fired
  cancelled, execution-cancelled
`,
  ],
  [
    "rx-windows.ts",
    "pipelines collect, wait for pauses and compare",
    `
a pause in typing: search for "slu"
in one window: 1 + 2 + 3 = 6
a jump of 7
a jump of 10
in one window: 10 + 20 = 30
a pause in typing: search for "sluice"
`,
  ],
  [
    "state.ts",
    "updates are entries, and what is no data is refused",
    `
state {"items":[],"total":0}
add: {"added":[],"changed":["items","total"],"removed":[],"values":{"items":["tea"],"total":4}}
  add /items/0 "tea", replace /total 4
state {"items":["tea"],"total":4}
add: {"added":[],"changed":["items","total"],"removed":[],"values":{"items":["tea","lamp"],"total":54}}
  add /items/1 "lamp", replace /total 54
state {"items":["tea","lamp"],"total":54}
total went from 4 to 54: a voucher
reward: {"added":["voucher"],"changed":[],"removed":[],"values":{"voucher":"FIVE-OFF"}}
  add /voucher "FIVE-OFF"
state {"items":["tea","lamp"],"total":54,"voucher":"FIVE-OFF"}
refused, and nothing is changed: The value at items[0] is a Map, which JSON cannot hold (in basket.refuse). Keep plain data; give live objects (clients, models) to the class's constructor, and dates as ISO strings
tea, lamp: 54 euros
`,
  ],
  [
    "messy-reply.ts",
    "what models write instead of JSON is mended and told, what is ambiguous only on demand",
    `

What means one thing only is mended
  product: "desk lamp"
  urgent: true
  steps[0]: "check the cable"
  steps[1]: "try another bulb"
  steps: ["check the cable","try another bulb"]
  summary: "It flickers,\\nall the time"
  mended: unquoted-key at 100, single-quotes at 109, comment at 122, literal at 154, extra-comma at 210, typographic-quotes at 226, control-character at 239

With strict: true it is not
  SluiceError: The reply is not JSON: expected a value, got "<" at character 0, in "<" (in messy.read). Ask the model again, or for structured output, which can only be JSON

Quotes in a text may mean two things
  product: "lamp"
  urgent: true
  steps: []
  summary: "Ben says it "
  SluiceError: The reply is not JSON: expected ":", got "\\"" at character 75, in "ps\\":[],\\"summary\\":\\"Ben says it \\"flickers\\"" (in messy.read). Ask the model again, or for structured output, which can only be JSON

So they are mended on demand
  product: "lamp"
  urgent: true
  steps: []
  summary: "Ben says it \\"flickers\\" a lot"
  mended: inner-quotes at 66, inner-quotes at 75

What breaks off is never mended
  product: "lamp"
  urgent: true
  steps[0]: "check the cable"
  SluiceError: The reply ended after 67 characters, while "steps[1]" was still open (in messy.read). Raise the model's limit of output tokens, or ask for a shorter reply

What is too large is refused
  product: "desk lamp"
  urgent: true
  SluiceError: The reply has more than 12 characters in one string, at character 185 (in messy.read). If such replies are right, raise the option limits.maxStringChars
`,
  ],
  [
    "invalid-items.ts",
    "items that do not fit are answered for in their lanes, and gathered apart",
    `
somebody looks at parts[1]: count: Invalid input: expected number, received string
reserved: 2 × bulb, 1 × cable, which are items 0 and 2
unclear: [{"name":"switch","count":"one or two"}]
summary: The lamp flickers.
`,
  ],
  [
    "06-early-stop.ts",
    "a field stops the generation, what is complete counts, and the tokens saved are told",
    `
  after 120 ms filed: "no receipt"
  after 140 ms the verdict: accept
complete: Dear Ben, the new lamp comes.
  after 120 ms filed: "no receipt"
  after 140 ms the verdict: reject
  after 140 ms the reply is stopped by decide: 7 of 14 tokens saved
stopped, with {"remarks":["no receipt"],"verdict":"reject"}
`,
  ],
  [
    "several-documents.ts",
    "each document of a text is an element of an array that grows",
    `
ticket 0 is complete: Ben, desk lamp
[1].urgent: somebody is called
ticket 1 is complete: Ada, kettle
ticket 2 is complete: Leo, keyboard
the text has ended: Ben, Ada, Leo
`,
  ],
  [
    "budgeted.ts",
    "thresholds are told, a cheaper model is asked, a reply is stopped and a call refused, and all of it is on the bill",
    `
Runs on a stand-in for a provider: a server in this process, which plays what was written beforehand. For a real one set OPENAI_API_KEY, ANTHROPIC_API_KEY, or OPENAI_BASE_URL and OPENAI_MODEL for a local server.

6 letters for 0.200 ¢, by "large" or "small"
stand-in/large has written 47 tokens, for 0.055 ¢
  Dear Nils, you are right, the invoice was charged twice, and we are sorry. The second payment is on its way back to your account. It will be there on Friday at the latest. Yours, the shop
stand-in/large has written 46 tokens, for 0.054 ¢
  50 % of the budget are reached: 0.108 ¢
  Dear Ana, a coffee maker must not leak after 12 days. A new one leaves our house today, and the driver takes the old one with him. You need not pack or pay anything. Yours, the shop
stand-in/large has written 44 tokens, for 0.053 ¢
  75 % of the budget are reached: 0.161 ¢
  Dear Kira, thank you for telling us at once. We have closed your account for new orders and cancelled the two that are not yours. Please choose a new password. Yours, the shop
stand-in/large is too dear for the 0.039 ¢ that are left: stand-in/small is to answer
stand-in/small has written 43 tokens, for 0.025 ¢
  90 % of the budget are reached: 0.186 ¢
  Dear Hugo, the driver left your parcel with the neighbour on the second floor, whose name is on the receipt. If it is not there tomorrow, we send it again. Yours, the shop
stand-in/large is too dear for the 0.014 ¢ that are left: stand-in/small is to answer
stand-in/small has written 19 tokens, for 0.014 ¢
  100 % of the budget are reached: 0.200 ¢
  no answer to 05-headphones: The reply of the model "stand-in/small" was stopped: by an estimate it has used up what is left of the budget (in letters.answer). Raise the budget, ask for less (\`maxOutputTokens\`), or answer the failure in a chunk on failed(…)
stand-in/large is too dear for the 0.000 ¢ that are left: stand-in/small is to answer
stand-in/small has written 0 tokens, for 0.000 ¢
  no answer to 06-tax-number: Of the budget $0 are left, and the next call of a model needs at least $0.000048 (in letters.answer). Raise the budget, ask for less, or answer the failure in a chunk on failed(…)

The bill
  stand-in/large: 119 tokens read, 137 written, 0.161 ¢
  stand-in/small: 84 tokens read, 62 written, 0.039 ¢ (a part of it by an estimate)
  total: 203 tokens read, 199 written, 0.200 ¢ (a part of it by an estimate)
`,
  ],
];
