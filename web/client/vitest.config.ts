import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["tests/unit/**/*.test.ts"] } },
      {
        test: {
          name: "live",
          include: ["tests/live/**/*.test.ts", "tests/browser/**/*.test.ts"],
          globalSetup: "tests/live/setup.ts",
          testTimeout: 60_000,
          hookTimeout: 150_000,
          maxWorkers: 1,
          fileParallelism: false,
        },
      },
    ],
  },
});
