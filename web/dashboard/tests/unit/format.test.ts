import { expect, test } from "vitest";
import { agoText, bytesText, momentText, secondsText } from "../../src/time/format.js";

const NOW = Date.UTC(2026, 10, 21, 12);
const after = (seconds: number) => new Date(NOW + seconds * 1000).toISOString();

test.each([
  [0, "now"],
  [-5, "5 seconds ago"],
  [-200, "3 minutes ago"],
  [3 * 3600 + 60, "in 3 hours"],
  [42 * 3600, "in 42 hours"],
  [50 * 3600, "in 2 days"],
])("%d seconds from now is %s", (seconds, text) => {
  expect(agoText(after(seconds), NOW)).toBe(text);
});

test.each([
  [0.25, "250 ms"],
  [4.21, "4.2 s"],
  [59.97, "1:00 min"],
  [187, "3:07 min"],
  [3_671, "1:01:11 h"],
])("%d seconds are told as %s", (seconds, text) => {
  expect(secondsText(seconds)).toBe(text);
});

test.each([
  [0, "0 bytes"],
  [1_482_113, "1.5 MB"],
  [36_000_000, "36 MB"],
])("%d bytes are told as %s", (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

test("a moment is told in the zone that was chosen", () => {
  expect(momentText("2026-11-21T23:30:00Z", "Asia/Tokyo")).toBe("22 Nov 2026, 08:30");
});
