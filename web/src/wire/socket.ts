// Dials one WebSocket with the browser's own: ticket, URL, subprotocols. The only file that constructs one.

import { ApiError } from "../api/request";
import { getSession, login, takeTicket } from "../api/sessions";
import type { Size } from "../terminal/size";
import { type DialRequest, Gone, OffsetUnknown, type Socket } from "./connection";
import { SUBPROTOCOL } from "./protocol";

// What the page holds. A session that waits for its first viewer starts at its size; no other is changed by attaching.
export interface Window extends Size {
  scrollback: number;
}

export async function dial(sessionId: string, request: DialRequest, here: Window): Promise<Socket> {
  try {
    if (request.renew && login.needsTicket) await login.renew();
    if (request.lookUp) await lookUp(sessionId, request.from);
    const ticket = login.needsTicket ? await takeTicket(sessionId, request.access) : null;
    return open(sessionId, request, here, ticket);
  } catch (error) {
    if (error instanceof ApiError && [400, 401, 403, 404].includes(error.status))
      throw new Gone(error.message);
    throw error;
  }
}

async function lookUp(sessionId: string, from: number | "snapshot"): Promise<void> {
  const session = await getSession(sessionId);
  if (from !== "snapshot" && from > session.output.end) {
    throw new OffsetUnknown("the server no longer has this output");
  }
}

function open(sessionId: string, request: DialRequest, here: Window, ticket: string | null): Socket {
  const url = new URL(`/api/sessions/${encodeURIComponent(sessionId)}/ws`, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("from", String(request.from));
  url.searchParams.set("cols", String(here.cols));
  url.searchParams.set("rows", String(here.rows));
  url.searchParams.set("scrollback", String(here.scrollback));
  if (request.clientId !== null) url.searchParams.set("client", request.clientId);
  // A ticket carries the access itself; without one the query does.
  if (ticket === null && request.access === "view") url.searchParams.set("access", "view");
  const offered = ticket === null ? [SUBPROTOCOL] : [SUBPROTOCOL, `ticket.${ticket}`];
  const native = new WebSocket(url, offered);
  native.binaryType = "arraybuffer";
  const socket: Socket = {
    onmessage: null,
    onclose: null,
    send: (message) => {
      if (native.readyState === WebSocket.OPEN) native.send(message);
    },
    close: (code) => native.close(code),
  };
  native.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) socket.onmessage?.(data);
  };
  native.onclose = ({ code, reason }) => socket.onclose?.(code, reason);
  return socket;
}
