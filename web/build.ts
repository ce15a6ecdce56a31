// Builds `dist/`, which is committed and embedded by the server. The same sources must give the same bytes anywhere:
// no times, no paths, no sourcemaps, names from content.

import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";

const HERE = import.meta.dir;
const DIST = join(HERE, "dist");
const FAVICON = "favicon.svg";

async function bundle(entry: string): Promise<string> {
  const built = await Bun.build({
    entrypoints: [join(HERE, entry)],
    outdir: join(DIST, "assets"),
    root: join(HERE, "src"),
    target: "browser",
    format: "esm",
    splitting: true,
    minify: true,
    sourcemap: "none",
    define: { "process.env.NODE_ENV": '"production"' },
    naming: { entry: "[name]-[hash].[ext]", chunk: "chunk-[hash].[ext]", asset: "[name]-[hash].[ext]" },
  });
  const made = built.outputs.find((output) => output.kind === "entry-point" || output.path.endsWith(".css"));
  if (!built.success || made === undefined) throw new AggregateError(built.logs, `${entry} does not build`);
  return `/assets/${basename(made.path)}`;
}

// No inline script or style: the server's content security policy allows neither.
const page = (script: string, style: string) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
    <meta name="color-scheme" content="light dark">
    <meta name="referrer" content="no-referrer">
    <title>Fantail</title>
    <link rel="icon" href="/${FAVICON}" type="image/svg+xml">
    <link rel="stylesheet" href="${style}">
    <script type="module" src="${script}"></script>
  </head>
  <body>
    <div id="app"></div>
    <noscript>Fantail needs JavaScript.</noscript>
  </body>
</html>
`;

await rm(DIST, { recursive: true, force: true });
await mkdir(DIST, { recursive: true });
const [script, style] = [await bundle("src/main.tsx"), await bundle("src/style/main.css")];
await Bun.write(join(DIST, "index.html"), page(script, style));
await Bun.write(join(DIST, FAVICON), Bun.file(join(HERE, "src", FAVICON)));
