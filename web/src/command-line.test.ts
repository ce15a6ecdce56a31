import { describe, expect, test } from "bun:test";
import { CommandLineError, formatCommandLine, parseCommandLine } from "./command-line";

describe("parseCommandLine", () => {
  const cases: [string, string[]][] = [
    ["", []],
    ["   ", []],
    ["htop", ["htop"]],
    ["  git   log\t-p ", ["git", "log", "-p"]],
    [`sh -c 'echo "a  b" | wc'`, ["sh", "-c", 'echo "a  b" | wc']],
    [`echo "it's"`, ["echo", "it's"]],
    [`echo "a \\"b\\" \\n"`, ["echo", 'a "b" \\n']],
    ["my\\ file", ["my file"]],
    [`a'b'"c"d`, ["abcd"]],
    [`printf ''`, ["printf", ""]],
    ["echo $HOME *.rs ~ && ls", ["echo", "$HOME", "*.rs", "~", "&&", "ls"]],
    ["écho 世界 👩‍👩‍👧", ["écho", "世界", "👩‍👩‍👧"]],
  ];
  for (const [line, words] of cases)
    test(JSON.stringify(line), () => expect(parseCommandLine(line)).toEqual(words));

  for (const line of ["echo 'open", 'echo "open', "tail\\"]) {
    test(`${line} is an error`, () => expect(() => parseCommandLine(line)).toThrow(CommandLineError));
  }
});

test("formatCommandLine is undone by parseCommandLine", () => {
  for (const command of [
    ["/bin/bash", "-l"],
    ["sh", "-c", "echo 'a b' \"c\" \\ $x"],
    ["x", "", "\t"],
  ]) {
    expect(parseCommandLine(formatCommandLine(command))).toEqual(command);
  }
});
