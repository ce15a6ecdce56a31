// What a browser keeps of us and runs for others: nothing that is secret, nothing that is not ours.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PROMPT, Server } from "./support/server.mjs";
import { until } from "./support/until.mjs";
import { atAShell, newVisitor, startBrowser } from "./support/visitor.mjs";

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start(), startBrowser()]);
});
after(async () => {
  await browser.close();
  await server.discard();
});

test("h84 no script but ours runs, however it gets into the page, and every answer says so", async (t) => {
  const answer = await fetch(server.url);
  const policy = new Map(
    (answer.headers.get("content-security-policy") ?? "").split(";").map((directive) => {
      const [name = "", ...sources] = directive.trim().split(/\s+/);
      return [name, sources.join(" ")];
    }),
  );
  for (const name of ["default-src", "frame-ancestors", "base-uri"])
    assert.equal(policy.get(name), "'none'", name);
  for (const name of ["script-src", "connect-src", "form-action"])
    assert.equal(policy.get(name), "'self'", name);
  assert.equal(policy.get("require-trusted-types-for"), "'script'");
  assert.equal(policy.get("trusted-types"), "'none'");
  const wanted = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
  };
  for (const path of ["/", "/favicon.svg", "/health", "/api/sessions", "/nowhere", "/s/x"]) {
    const { headers } = await fetch(server.url + path);
    for (const [name, value] of Object.entries(wanted))
      assert.equal(headers.get(name), value, `${name} of ${path}`);
    assert.ok(headers.get("content-security-policy")?.includes("script-src 'self'"), path);
  }
  // A context of its own: what its pages are kept from is what is looked for.
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(server.url);
  await page.getByLabel("User name").waitFor();
  const kept = await page.evaluate(async () => {
    /** @type {string[]} */
    const violated = [];
    addEventListener("securitypolicyviolation", (event) => violated.push(event.effectiveDirective));
    // What is text is refused as soon as it would become a script or markup; what an element says, when it is added.
    const refused = (/** @type {() => unknown} */ attempt) => {
      try {
        attempt();
        return "no";
      } catch (error) {
        return error instanceof TypeError ? "yes" : String(error);
      }
    };
    const add = (
      /** @type {string} */ name,
      /** @type {Record<string, string>} */ attributes,
      /** @type {string} */ text = "",
    ) => {
      const element = document.createElement(name);
      for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
      element.append(text);
      document.body.append(element);
    };
    const markup = '<img src="x" onerror="window.harmed = \'markup\'">';
    const attempts = [
      () => Object.assign(document.createElement("div"), { innerHTML: markup }),
      () => document.body.insertAdjacentHTML("beforeend", markup),
      () => document.write(markup),
      () => document.createRange().createContextualFragment(markup),
      () => new DOMParser().parseFromString(markup, "text/html"),
      () => Object.assign(document.createElement("iframe"), { srcdoc: markup }),
      () => Object.assign(document.createElement("script"), { textContent: "window.harmed = 'text'" }),
      () => Object.assign(document.createElement("script"), { src: "http://127.0.0.1:1/harm.js" }),
      () => document.createElement("img").setAttribute("onerror", "window.harmed = 'attribute'"),
      () => Reflect.get(window, "trustedTypes").createPolicy("ours", {}),
    ].map(refused);
    add("script", {}, "window.harmed = 'inline'");
    add("base", { href: "http://127.0.0.1:1/" });
    add("iframe", { src: "http://127.0.0.1:1/" });
    await fetch("http://127.0.0.1:1/").catch(() => {});
    const wanted = ["base-uri", "connect-src", "frame-src", "require-trusted-types-for", "trusted-types"];
    while (!wanted.every((directive) => violated.includes(directive)))
      await new Promise(requestAnimationFrame);
    return {
      harmed: Reflect.get(window, "harmed") ?? "not",
      attempts,
      violated: [...new Set(violated)].sort(),
    };
  });
  assert.equal(kept.harmed, "not");
  assert.deepEqual(new Set(kept.attempts), new Set(["yes"]), kept.attempts.join());
  t.diagnostic(kept.violated.join(" "));
});

test("h85 after logging out the way back shows nothing, because nothing was kept", async (t) => {
  const { session, ann } = await atAShell(t, browser, server);
  await ann.run("echo secret-$((6*7))");
  await ann.line("secret-42");
  for (const path of ["/api/sessions", `/api/sessions/${session.id}/text`, "/api/auth/me", "/health"]) {
    const { headers } = await fetch(server.url + path);
    assert.equal(headers.get("cache-control"), "no-store", path);
  }
  await ann.button(/^Back to the sessions/).click();
  await ann.button("Log out").click();
  await ann.page.getByLabel("User name").waitFor();
  await ann.page.goBack();
  await ann.page.getByLabel("User name").waitFor();
  assert.doesNotMatch(await ann.page.content(), /secret-42/);
  await ann.page.reload();
  await ann.page.getByLabel("User name").waitFor();
  const workers = await ann.page.evaluate(
    async () => (await navigator.serviceWorker.getRegistrations()).length,
  );
  assert.equal(workers, 0);
});

test("h86 a tab that slept goes on where it was, with every byte once", async (t) => {
  const { session, ann } = await atAShell(t, browser, server);
  const near = await newVisitor(t, browser);
  await near.logIn(server.url);
  await near.attach(server.url, session);
  const devtools = await ann.page.context().newCDPSession(ann.page);
  for (const night of [1, 2]) {
    const slept = await ann.offset();
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    await near.run(`clear; seq 1 300; echo night ${night} is $((over+0)) over`);
    await near.line(`night ${night} is 0 over`);
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await ann.line(`night ${night} is 0 over`);
    await ann.lastLine(PROMPT);
    await until("both show the same", async () => (await ann.text()) === (await near.text()));
    assert.ok((await ann.offset()) > slept);
  }
  await ann.run("echo awake $((6*7))");
  await near.line("awake 42");
});

test("h87 no secret is kept where a script could read it", async (t) => {
  const ann = await newVisitor(t, browser);
  /** @type {Set<string>} */
  const secrets = new Set();
  ann.page.on("response", async (response) => {
    if (!response.url().includes("/api/auth/")) return;
    const body = await response.json().catch(() => ({}));
    for (const name of ["accessToken", "refreshToken", "ticket"]) if (body[name]) secrets.add(body[name]);
  });
  await ann.logIn(server.url);
  await ann.attach(server.url, await server.open());
  await ann.lastLine(PROMPT);
  await until("tokens and a ticket were given", () => secrets.size >= 3);
  const kept = await ann.page.evaluate(async () => {
    /** @type {string[]} */
    const texts = [document.cookie, window.name, location.href, JSON.stringify(history.state)];
    texts.push(JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }));
    for (const key of await caches.keys()) {
      const cache = await caches.open(key);
      for (const request of await cache.keys())
        texts.push(request.url, (await (await cache.match(request))?.text()) ?? "");
    }
    const databases = await indexedDB.databases();
    return { texts: texts.join("\n"), databases, page: document.documentElement.outerHTML };
  });
  assert.deepEqual(kept.databases, []);
  for (const secret of secrets) assert.ok(!kept.texts.includes(secret) && !kept.page.includes(secret));
});

test("h89 what a later server says besides is passed over", async (t) => {
  const session = await server.open();
  const ann = await newVisitor(t, browser);
  await ann.logIn(server.url);
  let later = 0;
  await ann.page.routeWebSocket(/\/ws/, (socket) => {
    const real = socket.connectToServer();
    real.onMessage((message) => {
      socket.send(message);
      // An event of a later version, in order behind each of this one's.
      const json = Buffer.from(JSON.stringify({ event: "weather", wind: { from: "west" } }));
      if (typeof message !== "string" && message[0] === 4) {
        socket.send(Buffer.concat([Buffer.from([4]), message.subarray(1, 9), json]));
        later += 1;
      }
    });
  });
  await ann.attach(server.url, session);
  await ann.lastLine(PROMPT);
  await ann.run("echo unimpressed $((6*7))");
  await ann.line("unimpressed 42");
  assert.ok(later > 0, "none was said");
});
