import { useParams } from "react-router";

/** The project whose page is open. */
export const useProjectId = () => useParams()["projectId"] ?? "";
