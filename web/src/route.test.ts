import { expect, test } from "bun:test";
import { parsePath, type Route } from "./route";

const cases: [string, Route][] = [
  ["/", { screen: "list" }],
  ["/account", { screen: "account" }],
  ["/users/", { screen: "users" }],
  ["/audit", { screen: "audit" }],
  ["/auditor", { screen: "list" }],
  ["/s/a%20b", { screen: "session", id: "a b" }],
  ["/s/%", { screen: "list" }],
];
for (const [path, route] of cases) test(path, () => expect(parsePath(path)).toEqual(route));
