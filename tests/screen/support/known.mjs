// What is known to differ, and why. A case listed here that no longer differs fails; so does one that does not exist.

/** @type {{ name: string, cause: string }[]} */
export const CASES_THAT_DIFFER = [];
