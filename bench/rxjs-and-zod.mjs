// The modules of RxJS and zod that the built @sluice/core imports: `importing.ts` holds it to that.
import "rxjs";
import "zod/v4/core";
