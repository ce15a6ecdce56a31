// The shapes of REST, as the contract names them. Types only.

export type Access = "control" | "view";

export interface Session {
  id: string;
  // What this page may do with it. Who owns it says who else may reach it.
  access: "own" | Access;
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

export type Role = "guest" | "member" | "admin";

export interface User {
  id: string;
  username: string;
  mail: string | null;
  role: Role;
  disabled: boolean;
  hasPassword: boolean;
  createdAt: string;
}

// What somebody has who came by a link.
export interface Entered {
  sessionId: string;
  access: Access;
  label: string;
  expiresAt: string;
}

// One of the two says whose they are.
export interface Tokens {
  accessToken: string;
  expiresIn: number;
  user?: User;
  share?: Entered;
}

// A service whose word one can log in with.
export interface Provider {
  name: string;
  label: string;
}

export interface Caller {
  user: User;
  auth: "token" | "local" | "none";
  scopes: string[];
}

export interface Share {
  id: string;
  access: Access;
  label: string;
  createdAt: string;
  expiresAt: string;
  uses: number;
  usesMax: number | null;
}

export interface NewShare {
  access: Access;
  expiresIn: number;
  uses?: number;
  label?: string;
}

// `link` is path and fragment of the page's address, told this once.
export interface MadeShare extends Share {
  link: string;
}

export interface Grant {
  userId: string;
  username: string;
  access: Access;
  createdAt: string;
}

// Where somebody is logged in.
export interface LoginInfo {
  id: string;
  createdAt: string;
  renewedAt: string;
  client: string;
  current: boolean;
}

export interface ApiToken {
  id: string;
  name: string;
  scopes: string[];
  createdAt: string;
  expiresAt: string;
  lastUsedAt: string | null;
}

export interface NewApiToken {
  name: string;
  scopes: string[];
  expiresIn: number;
}

// `token` is told this once.
export interface MadeApiToken extends ApiToken {
  token: string;
}

export interface NewUser {
  username: string;
  role: Role;
  mail?: string;
}

export interface UserChange {
  role?: Role;
  disabled?: boolean;
  mail?: string | null;
}

// For the fragment of the page's address.
export interface LoginLink {
  token: string;
  expiresIn: number;
}

export interface AuditEntry {
  seq: number;
  at: string;
  event: string;
  actor: string;
  address: string;
  subject: string;
  detail: string;
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
