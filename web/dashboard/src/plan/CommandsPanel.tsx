import { Accordion, Badge, Group, Text } from "@mantine/core";
import type { Plan } from "../types.js";
import { CopyText } from "../ui/CopyText.js";
import { Panel } from "../ui/Panel.js";
import { commandOf } from "./command.js";

/** The exact commands of a plan, step by step. */
export const CommandsPanel = ({ plan }: { readonly plan: Plan }) => (
  <Panel title="Commands" flush>
    <Accordion variant="default" order={3}>
      {plan.steps.map((step, index) => (
        <Accordion.Item key={index} value={String(index)}>
          <Accordion.Control>
            <Group gap="sm">
              <Text size="sm">{step.name}</Text>
              {step.cached && (
                <Badge variant="light" color="gray">
                  cached
                </Badge>
              )}
              <Text size="xs" c="dimmed">
                {step.frames > 0 ? `${step.frames} frames` : ""} {step.note}
              </Text>
            </Group>
          </Accordion.Control>
          <Accordion.Panel>
            <CopyText text={commandOf(step.argv)} label={`the command of ${step.name}`} />
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  </Panel>
);
