// One REST exchange: JSON out, JSON in, every refusal an ApiError that carries the server's own words.
// Must never decide about tokens or retries; that is login.ts.

import type { ErrorBody } from "./contract";

// Longer than any honest answer: closing a session waits for its processes.
const TIMEOUT_MS = 20_000;

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | null;
  readonly retryAfter: number | null;

  constructor(body: ErrorBody, retryAfter: number | null) {
    super(body.error);
    this.status = body.status;
    this.code = body.code;
    this.field = body.details?.field ?? null;
    this.retryAfter = retryAfter;
  }
}

// No answer at all: offline, refused, or too late.
export class Unreachable extends Error {
  constructor() {
    super("Can’t reach the server.");
  }
}

export type Fetch = (path: string, init: RequestInit) => Promise<Response>;

export async function exchange(
  fetch: Fetch,
  method: string,
  path: string,
  body: object | null,
  accessToken: string | null,
): Promise<unknown> {
  const headers: Record<string, string> = {};
  if (body !== null) headers["Content-Type"] = "application/json";
  if (accessToken !== null) headers.Authorization = `Bearer ${accessToken}`;
  const response = await reach(() =>
    fetch(path, {
      method,
      headers,
      body: body === null ? null : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }),
  );
  const text = await reach(() => response.text());
  if (!response.ok) throw refusal(response, text);
  return text === "" ? null : JSON.parse(text);
}

async function reach<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch {
    throw new Unreachable();
  }
}

function refusal(response: Response, text: string): ApiError {
  const seconds = Number(response.headers.get("Retry-After"));
  const retryAfter = seconds > 0 ? seconds : null;
  try {
    const body = JSON.parse(text) as ErrorBody;
    if (typeof body.error === "string") return new ApiError({ ...body, status: response.status }, retryAfter);
  } catch {
    // A proxy in between answers in its own format; its status is all we can tell.
  }
  const error = `The server answered ${response.status}.`;
  return new ApiError({ error, code: "unknown", status: response.status }, retryAfter);
}
