/** The API as this page talks to it: with the session's cookie, or with a key that was typed in. */

import { Client } from "@renderowl/client";
import { createContext, useContext } from "react";

export const clientOf = (key: string | null) => new Client("", key);

const Here = createContext(clientOf(null));
export const ClientProvider = Here.Provider;
export const useClient = () => useContext(Here);

/** The address that the service gives itself: cookies and files count there. */
export const baseUrl = () => document.querySelector<HTMLMetaElement>("meta[name=renderowl-base-url]")?.content ?? "";
