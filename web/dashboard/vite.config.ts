import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  base: "/dashboard/",
  plugins: [react()],
  resolve: { alias: { "@renderowl/client": file("../client/src/index.ts") } },
  build: {
    outDir: file("../../renderowl/api/pages/dashboard"),
    emptyOutDir: true,
    assetsInlineLimit: 0, // the policy of the page allows no file inside another
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
    target: "es2022",
  },
});
