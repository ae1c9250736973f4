import { lazy } from "react";
import { Navigate, RouterProvider, createBrowserRouter } from "react-router";
import { AdminPage } from "./admin/AdminPage.js";
import { AutomationPage } from "./automations/AutomationPage.js";
import { AutomationsPage } from "./automations/AutomationsPage.js";
import { AssetsPage } from "./assets/AssetsPage.js";
import { KeysPage } from "./keys/KeysPage.js";
import { ProjectFrame } from "./projects/ProjectFrame.js";
import { ProjectsPage } from "./projects/ProjectsPage.js";
import { RenderPage } from "./renders/RenderPage.js";
import { RendersPage } from "./renders/RendersPage.js";
import { useSession } from "./session/session.js";
import { SignInPage } from "./session/SignInPage.js";
import { Frame } from "./shell/Frame.js";
import { Shell } from "./shell/Shell.js";
import { WebhooksPage } from "./webhooks/WebhooksPage.js";
import { NoSuchPage } from "./ui/NoSuchPage.js";

const PlaygroundPage = lazy(() =>
  import("./playground/PlaygroundPage.js").then((found) => ({ default: found.PlaygroundPage })),
);

const router = createBrowserRouter(
  [
    {
      element: <Shell />,
      errorElement: <NoSuchPage />,
      children: [
        { index: true, element: <Navigate to="/projects" replace /> },
        {
          element: <Frame />,
          children: [
            { path: "projects", element: <ProjectsPage /> },
            { path: "keys", element: <KeysPage /> },
            { path: "admin", element: <AdminPage /> },
          ],
        },
        {
          path: "projects/:projectId",
          element: <ProjectFrame />,
          children: [
            { index: true, element: <Navigate to="renders" replace /> },
            { path: "automations", element: <AutomationsPage /> },
            { path: "automations/:automationId", element: <AutomationPage /> },
            { path: "webhooks", element: <WebhooksPage /> },
            { path: "assets", element: <AssetsPage /> },
            { path: "playground", element: <PlaygroundPage /> },
            { path: "renders", element: <RendersPage /> },
            { path: "renders/:renderId", element: <RenderPage /> },
          ],
        },
        { path: "*", element: <NoSuchPage /> },
      ],
    },
  ],
  { basename: "/dashboard" },
);

export function App() {
  const { who } = useSession();
  return who === null ? <SignInPage /> : <RouterProvider router={router} />;
}
