import { Group, Progress, Text } from "@mantine/core";
import { secondsText } from "../time/format.js";
import type { Render } from "../types.js";
import { COLORS, isActive, percentText } from "./status.js";

interface Props {
  readonly render: Pick<Render, "id" | "status" | "progress">;
  /** With frames, speed and the time that is left. */
  readonly detailed?: boolean;
}

/** How far a render is. */
export function ProgressLine({ render, detailed = false }: Props) {
  const { progress, status } = render;
  const { percent, current_frame: frame, total_frames: frames, stage, fps, speed, eta_s: eta } = progress;
  const facts = [
    frames > 0 ? `frame ${frame} of ${frames}` : null,
    fps != null ? `${fps.toFixed(0)} frames/s` : null,
    speed != null ? `${speed.toFixed(1)}× real time` : null,
    eta != null ? `${secondsText(eta)} left` : null,
  ].filter((fact) => fact !== null);
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" mb={4} gap="xs">
        <Text size="sm">{isActive(render) ? stage : status}</Text>
        <Text size="sm" fw={600}>
          {percentText(percent)}
        </Text>
      </Group>
      <Progress.Root size={detailed ? "lg" : "sm"}>
        <Progress.Section
          value={percent}
          color={COLORS[status]}
          animated={status === "processing"}
          aria-label={`Progress of ${render.id}`}
        />
      </Progress.Root>
      {detailed && (
        <Text size="sm" c="dimmed" mt={6} mih={22}>
          {facts.join(" · ")}
        </Text>
      )}
    </div>
  );
}
