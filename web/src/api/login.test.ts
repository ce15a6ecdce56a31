import { beforeEach, describe, expect, test } from "bun:test";
import { FakeClock, settle } from "../wire/fakes";
import { Login, type Standing } from "./login";
import { ApiError, Unreachable } from "./request";

type Answer = (authorization: string | null, body: string | null) => [number, object | null] | "offline";

const tokens = (n: number) => ({
  accessToken: `t${n}`,
  refreshToken: "never used by a page",
  expiresIn: 900,
  user: { id: "u", username: "ann" },
});
const refusal = (status: number, code: string): [number, object] => [status, { error: code, code, status }];

let clock: FakeClock;
let calls: string[];
let standings: Standing[];
let answers: Record<string, Answer>;
let login: Login;

beforeEach(() => {
  clock = new FakeClock();
  calls = [];
  standings = [];
  let renewals = 0;
  answers = {
    "GET /api/auth/me": () => refusal(401, "unauthenticated"),
    "POST /api/auth/refresh": () => [200, tokens(++renewals)],
  };
  login = new Login(
    {
      fetch: async (path, init) => {
        const call = `${init.method} ${path}`;
        calls.push(call);
        const headers = init.headers as Record<string, string>;
        const answer = answers[call]?.(headers.Authorization ?? null, (init.body as string) ?? null);
        if (answer === undefined || answer === "offline") throw new TypeError("failed to fetch");
        const [status, body] = answer;
        return new Response(body === null ? null : JSON.stringify(body), { status });
      },
      now: () => clock.now(),
      after: (ms, run) => clock.after(ms, run),
      exclusively: (run) => run(),
    },
    (standing) => standings.push(standing),
  );
});

describe("begin", () => {
  test("--no-auth needs no token at all", async () => {
    answers["GET /api/auth/me"] = () => [200, { user: { id: "u", username: "ann" }, auth: "none" }];
    await login.begin();
    expect(login.needsTicket).toBe(false);
    expect(calls).toEqual(["GET /api/auth/me"]);
  });
  test("the cookie signs in again", async () => {
    await login.begin();
    expect(standings.at(-1)).toMatchObject({ name: "signedIn", user: { username: "ann" } });
  });
  test("no cookie shows the form", async () => {
    answers["POST /api/auth/refresh"] = () => refusal(401, "unauthenticated");
    await login.begin();
    expect(standings.at(-1)).toEqual({ name: "signedOut" });
  });
  test("an unreachable server is not a logout", async () => {
    answers["GET /api/auth/me"] = () => "offline";
    expect(login.begin()).rejects.toThrow(Unreachable);
    await settle();
    expect(standings).toEqual([]);
  });
});

describe("leave", () => {
  for (const [name, answer] of [
    ["ends the login", [204, null]],
    ["is content with a login that has ended already", refusal(401, "invalid_token")],
  ] as [string, [number, object | null]][]) {
    test(name, async () => {
      await login.begin();
      answers["POST /api/auth/logout"] = () => answer;
      await login.leave();
      expect(standings.at(-1)).toEqual({ name: "signedOut" });
    });
  }
  test("is not pretended while the server is unreachable", async () => {
    await login.begin();
    answers["POST /api/auth/logout"] = () => "offline";
    expect(login.leave()).rejects.toThrow(Unreachable);
    await Bun.sleep(1);
    expect(standings.at(-1)).toMatchObject({ name: "signedIn" });
  });
});

describe("renewal", () => {
  test("a 401 renews once and repeats the request with the new token", async () => {
    await login.begin();
    answers["GET /api/sessions"] = (authorization) =>
      authorization === "Bearer t2" ? [200, []] : refusal(401, "expired_token");
    expect(await login.request("GET", "/api/sessions")).toEqual([]);
    expect(calls.slice(2)).toEqual(["GET /api/sessions", "POST /api/auth/refresh", "GET /api/sessions"]);
  });
  test("a second 401 is reported", async () => {
    await login.begin();
    answers["GET /api/sessions"] = () => refusal(401, "invalid_token");
    expect(login.request("GET", "/api/sessions")).rejects.toThrow(ApiError);
    await Bun.sleep(1);
    expect(calls.filter((call) => call === "GET /api/sessions").length).toBe(2);
  });
  test("happens before the token ends, by itself", async () => {
    await login.begin();
    clock.advance(839_000);
    expect(calls.length).toBe(2);
    clock.advance(1_000);
    expect(calls.at(-1)).toBe("POST /api/auth/refresh");
  });
  test("concurrent callers share one", async () => {
    await login.begin();
    const before = calls.length;
    await Promise.all([login.renew(), login.renew(), login.renew()]);
    expect(calls.length).toBe(before + 1);
  });
  test("raced by another tab: waits and uses the newer cookie", async () => {
    let tries = 0;
    answers["POST /api/auth/refresh"] = () =>
      ++tries === 1 ? refusal(409, "refresh_raced") : [200, tokens(7)];
    const done = login.begin();
    await Bun.sleep(5);
    clock.advance(300);
    await done;
    expect(standings.at(-1)).toMatchObject({ name: "signedIn" });
  });
  test("refused: signed out", async () => {
    await login.begin();
    answers["POST /api/auth/refresh"] = () => refusal(401, "invalid_token");
    expect(login.renew()).rejects.toThrow(ApiError);
    await Bun.sleep(1);
    expect(standings.at(-1)).toEqual({ name: "signedOut" });
  });
});

describe("by the link of a session", () => {
  const share = { sessionId: "s", access: "view", label: "", expiresAt: "2026-11-21T12:00:00Z" };
  const shared = (n: number) => ({ accessToken: `g${n}`, expiresIn: 900, share });

  test("the page acts for the guest, and renews as such", async () => {
    answers["POST /api/shares/enter"] = (_, body) => [
      200,
      JSON.parse(body ?? "").secret === "x" ? shared(1) : {},
    ];
    answers["POST /api/shares/renew"] = (_, body) => [
      200,
      JSON.parse(body ?? "").sessionId === "s" ? shared(2) : {},
    ];
    answers["GET /api/sessions/s"] = (authorization) => [200, { authorization }];
    await login.withShare("x");
    expect(standings).toEqual([{ name: "guest", share }] as Standing[]);
    clock.advance(840_000);
    await settle();
    await settle();
    expect(calls).toEqual(["POST /api/shares/enter", "POST /api/shares/renew"]);
    expect(await login.request("GET", "/api/sessions/s")).toEqual({ authorization: "Bearer g2" });
    expect(standings.length).toBe(1);
  });
  test("one that lets nobody in turns away, and asks for no login", async () => {
    answers["POST /api/shares/enter"] = () => refusal(401, "invalid_share");
    await login.withShare("x");
    expect(standings).toEqual([{ name: "turnedAway" }]);
  });
  test("taken back: the next renewal turns away", async () => {
    answers["POST /api/shares/renew"] = () => [200, shared(1)];
    await login.beginAsGuest("s");
    expect(standings.at(-1)).toEqual({ name: "guest", share } as Standing);
    answers["POST /api/shares/renew"] = () => refusal(401, "invalid_token");
    await login.renew().catch(() => {});
    expect(standings.at(-1)).toEqual({ name: "turnedAway" });
  });
  test("an unreachable server turns nobody away", async () => {
    answers["POST /api/shares/enter"] = () => "offline";
    expect(login.withShare("x")).rejects.toThrow(Unreachable);
    await settle();
    expect(standings).toEqual([]);
  });
});

test("refusals carry the server's message, field and code", async () => {
  answers["POST /api/sessions"] = () => [
    400,
    {
      error: "cols: too many",
      code: "invalid_field",
      status: 400,
      details: { field: "cols", rule: "1-1000" },
    },
  ];
  const error = await login.request("POST", "/api/sessions", {}).catch((refused: unknown) => refused);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({
    message: "cols: too many",
    field: "cols",
    code: "invalid_field",
    status: 400,
  });
});
