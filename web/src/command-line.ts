// What a person types as a command, as the array of arguments the server wants, quoted as in a POSIX shell.
// Must never expand anything: variables, globs, pipes and `~` stay the characters they are.

export class CommandLineError extends Error {}

export function parseCommandLine(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let at = 0;
  while (at < line.length) {
    const char = line.charAt(at++);
    if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (char === "'" || char === '"') {
      const [text, next] = quoted(line, at, char);
      word = (word ?? "") + text;
      at = next;
    } else if (char === "\\") {
      if (at === line.length) throw new CommandLineError("a backslash at the end quotes nothing");
      word = (word ?? "") + line.charAt(at++);
    } else {
      word = (word ?? "") + char;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

// The text up to the closing quote, and where to go on.
function quoted(line: string, start: number, quote: string): [string, number] {
  let text = "";
  for (let at = start; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === quote) return [text, at + 1];
    // Inside double quotes a backslash quotes only what would be special there.
    if (quote === '"' && char === "\\" && '"\\$`'.includes(line.charAt(at + 1) || " ")) {
      at += 1;
      text += line.charAt(at);
    } else {
      text += char;
    }
  }
  throw new CommandLineError(`a ${quote} is never closed`);
}

// The inverse, for showing: what could be typed to get this command.
export function formatCommandLine(command: string[]): string {
  return command
    .map((word) => (/^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}
