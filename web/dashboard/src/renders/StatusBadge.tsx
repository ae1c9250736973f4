import { Badge } from "@mantine/core";
import type { Render } from "../types.js";
import { COLORS } from "./status.js";

export const StatusBadge = ({ status }: Pick<Render, "status">) => (
  <Badge variant="light" color={COLORS[status]} data-status={status}>
    {status}
  </Badge>
);
