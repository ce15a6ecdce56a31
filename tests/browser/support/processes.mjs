// What runs on this machine for one directory, wherever it was started from: looked up, never ended.

import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";

/**
 * The processes whose environment or command line names the directory, which a server's and its programs' do.
 * @param {string} directory
 */
export async function processesOf(directory) {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const named = await Promise.all(
    pids.map(async (pid) => {
      const [environment, words] = await Promise.all([read(pid, "environ"), read(pid, "cmdline")]);
      return `${environment}\0${words}`.includes(directory);
    }),
  );
  return pids.filter((_, at) => named[at]).map(Number);
}

/**
 * Whether the process runs; one that has ended and was not waited for does not.
 * @param {number} pid
 */
export function isThere(pid) {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** @param {number} pid */
export async function commandLine(pid) {
  return (await read(String(pid), "cmdline")).split("\0");
}

/**
 * @param {string} pid
 * @param {string} file
 */
async function read(pid, file) {
  // It may have ended, or be another account's.
  return readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
}
