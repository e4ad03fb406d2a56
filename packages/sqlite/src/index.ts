export { type SqliteDatabase, type SqliteDriver, type SqliteStatement, type SqliteValue } from "./database.ts";
export { type SqliteStoreOptions, type SyncStore, sqliteStore } from "./sqlite-store.ts";
