import { Outlet } from "react-router";
import { ConnectionBanner } from "./ConnectionBanner.js";

/** Around the pages that belong to no project. */
export const Frame = () => (
  <>
    <ConnectionBanner />
    <Outlet />
  </>
);
