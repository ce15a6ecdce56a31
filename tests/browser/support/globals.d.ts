// What the page offers for debugging.
interface Window {
  fantail?: {
    text(): string;
    readonly offset: number;
    readonly state: string;
    readonly cols: number;
    readonly rows: number;
  };
}
