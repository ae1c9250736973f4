import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./theme.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App.js";
import { SessionProvider } from "./session/SessionProvider.js";
import { theme } from "./theme.js";
import { TimeZoneProvider } from "./time/TimeZoneProvider.js";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no root");
createRoot(root).render(
  <StrictMode>
    {/* What the provider would write into the page as <style> is in theme.css: the policy allows none. */}
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
      <Notifications position="bottom-right" limit={4} />
      <TimeZoneProvider>
        <SessionProvider>
          <App />
        </SessionProvider>
      </TimeZoneProvider>
    </MantineProvider>
  </StrictMode>,
);
