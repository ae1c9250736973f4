/** Who is signed in: the client that speaks for them, and what is kept of their things. */

import { Problem } from "@renderowl/client";
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useMemo, useState, type ReactNode } from "react";
import { ClientProvider, clientOf } from "../client.js";
import { forget, recall, remember, type Remembered } from "./memory.js";
import { SessionContext } from "./session.js";

export function SessionProvider({ children }: { readonly children: ReactNode }) {
  const [who, setWho] = useState(recall);
  const value = useMemo(() => {
    const signIn = (found: Remembered) => {
      remember(found);
      setWho(found);
    };
    const signOut = () => {
      forget();
      setWho(null);
    };
    return { who, signIn, signOut };
  }, [who]);
  const { signOut } = value;
  // Another caller has another cache: nothing of the one before is ever shown.
  const [client, queries] = useMemo(() => [clientOf(who?.key ?? null), queriesOf(signOut)] as const, [who, signOut]);
  return (
    <SessionContext value={value}>
      <ClientProvider value={client}>
        <QueryClientProvider client={queries}>{children}</QueryClientProvider>
      </ClientProvider>
    </SessionContext>
  );
}

function queriesOf(signOut: () => void): QueryClient {
  const onError = (error: unknown) => {
    if (error instanceof Problem && error.status === 401) signOut();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    // The client itself tries again while the server is away; rooms say what has changed. Accounts may ask so often a
    // minute: nothing is asked anew only because somebody looks at it again.
    defaultOptions: {
      queries: { retry: false, staleTime: 30_000, refetchOnWindowFocus: false },
      mutations: { retry: false },
    },
  });
}
