/** The words of a room, by the names of docs/realtime.md; their fields are generated from the server's AsyncAPI document. */

import type { components } from "./generated/asyncapi.js";

type Schemas = components["schemas"];

export type Filter = Schemas["Filter"];
export type Progress = Schemas["Progress"];
export type RenderState = Schemas["RenderState"];
export type Welcome = Schemas["Welcome"];
export type Snapshot = Schemas["Snapshot"];
export type RenderProgress = Schemas["RenderProgress"];
export type RenderPreview = Schemas["RenderPreview"];
export type Presence = Schemas["PresenceNews"];
/** Somebody in the room. */
export type Watcher = Schemas["Watcher"];
export type Ack = Schemas["Ack"];
export type RoomError = Schemas["Error"];

/** A fact, told once and in order of `seq`. */
export type DurableEvent =
  | Schemas["RenderQueued"]
  | Schemas["RenderStarted"]
  | Schemas["RenderCompleted"]
  | Schemas["RenderFailed"]
  | Schemas["RenderCancelled"]
  | Schemas["RenderRetrying"]
  | Schemas["RenderPlayable"]
  | Schemas["AssetReady"]
  | Schemas["AssetFailed"]
  | Schemas["AutomationExecuted"]
  | Schemas["WebhookDisabled"];

export type CommandMessage = Schemas["RenderCreate"] | Schemas["RenderCancel"] | Schemas["RenderRetry"];
export type ClientMessage =
  CommandMessage | Schemas["Hello"] | Schemas["Subscribe"] | Schemas["AuthRefresh"] | Schemas["Pong"];

/** What a reader is told: what is about the room itself and not about the connection. */
export type News = Snapshot | DurableEvent | RenderProgress | RenderPreview | Presence | Welcome;
export type ServerMessage = News | Ack | RoomError | Schemas["CursorMark"] | Schemas["AuthExpiring"] | Schemas["Ping"];

/** A message as a room's reader gets it: all that was said, and for durable ones the place behind it. */
export type RoomMessage = News & { readonly cursor?: string };
export type RoomMessageType = News["type"];

/** Read a message; null for what is none. Types this version does not know pass: servers learn new words. */
export function readMessage(text: string): ServerMessage | null {
  try {
    const message: unknown = JSON.parse(text);
    const fits =
      typeof message === "object" && message !== null && "type" in message && typeof message.type === "string";
    return fits ? (message as ServerMessage) : null;
  } catch {
    return null;
  }
}

/** Who is in the room already, as news; nothing unless it was asked for. */
export function presenceOf({ count, members }: Welcome): Presence[] {
  return count == null || members == null ? [] : [{ type: "presence", count, members, joined: [], left: [] }];
}
