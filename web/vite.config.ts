import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** The licences of what is in the page, as those licences ask for. */
function licences(): Plugin {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
  const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
  return {
    name: "licences",
    generateBundle() {
      const texts = Object.entries(dependencies).map(
        ([name, version]) => `${name} ${version}\n\n${read(`node_modules/${name}/LICENSE`).trim()}\n`,
      );
      const natural = "The outline of the countries is from Natural Earth (public domain).\n";
      this.emitFile({ type: "asset", fileName: "licences.txt", source: [natural, ...texts].join("\n\n") });
    },
  };
}

export default defineConfig({
  plugins: [licences()],
  // Inside the Python package: the wheel has the page, and whoever installs it needs no node.
  build: {
    outDir: "../edge_runtime/scenehash/serve/page",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // For work on the page: vite answers it, and a running `scenehash serve` the rest.
  server: {
    proxy: Object.fromEntries(
      ["/api", "/metrics", "/healthz"].map((path) => [path, "http://127.0.0.1:8000"]),
    ),
  },
});
