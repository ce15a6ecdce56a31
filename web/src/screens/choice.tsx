// One of a few, in a form.

interface Props<T extends string | number> {
  label: string;
  name: string;
  // Value and words; the first is chosen unless `chosen` says otherwise.
  of: [T, string][];
  chosen?: T;
}

export function Choice<T extends string | number>({ label, name, of, chosen }: Props<T>) {
  return (
    <label>
      {label}
      <select name={name}>
        {of.map(([value, words]) => (
          <option key={value} value={value} selected={value === chosen}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

export const ACCESS: ["view" | "control", string][] = [
  ["view", "Watch"],
  ["control", "Type"],
];
