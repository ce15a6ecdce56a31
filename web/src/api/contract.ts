// The shapes of REST, as the contract names them. Types only.

export type Access = "control" | "view";

export interface Session {
  id: string;
  name: string | null;
  title: string | null;
  // Where the program says it is, and how often it rang.
  cwd: string | null;
  bells: number;
  command: string[];
  workingDir: string;
  status: "starting" | "running" | "exited";
  exitCode: number | null;
  exitSignal: string | null;
  exitReason: string | null;
  pid: number | null;
  cols: number;
  rows: number;
  // Whose window decides the size.
  sizes: "latest" | "owner" | "smallest" | "fixed";
  viewers: number;
  startedAt: string;
  lastModified: string;
  exitedAt: string | null;
  output: { start: number; end: number };
}

export interface OpenSession {
  command?: string[];
  workingDir?: string;
  name?: string;
  cols?: number;
  rows?: number;
}

export interface User {
  id: string;
  username: string;
}

export interface Tokens {
  accessToken: string;
  expiresIn: number;
  user: User;
}

// A service whose word one can log in with.
export interface Provider {
  name: string;
  label: string;
}

export interface Caller {
  user: User;
  auth: "token" | "local" | "none";
}

export interface Ticket {
  ticket: string;
  expiresIn: number;
}

export interface ErrorBody {
  error: string;
  code: string;
  status: number;
  requestId?: string;
  details?: { field?: string; rule?: string };
}
