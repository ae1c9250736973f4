import { Button, Stack, Tabs } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { IconPlus, IconWebhook } from "@tabler/icons-react";
import { useState } from "react";
import { useClient } from "../client.js";
import { useProjectId } from "../projects/useProjectId.js";
import { at, listOptions } from "../queries.js";
import type { Webhook } from "../types.js";
import { List } from "../ui/List.js";
import { Nothing } from "../ui/Nothing.js";
import { Page } from "../ui/Page.js";
import { Deliveries } from "./Deliveries.js";
import { WebhookCard } from "./WebhookCard.js";
import { WebhookForm } from "./WebhookForm.js";

export function WebhooksPage() {
  const client = useClient();
  const projectId = useProjectId();
  const query = useInfiniteQuery(listOptions<Webhook>(client, ["webhooks", projectId], at(projectId, "webhooks")));
  const [making, setMaking] = useState(false);
  const make = (
    <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setMaking(true)}>
      New webhook
    </Button>
  );
  return (
    <Page title="Webhooks" text="Told of what happens in the project: signed, retried, listed" actions={make}>
      <WebhookForm opened={making} onClose={() => setMaking(false)} projectId={projectId} />
      <Tabs defaultValue="webhooks" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="webhooks">Webhooks</Tabs.Tab>
          <Tabs.Tab value="deliveries">Deliveries</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="webhooks">
          <List
            query={query}
            nothing={
              <Nothing
                icon={IconWebhook}
                title="No webhooks yet"
                text="Give a URL of yours and choose what it is told."
              >
                {make}
              </Nothing>
            }
          >
            {(webhooks) => (
              <Stack>
                {webhooks.map((webhook) => (
                  <WebhookCard key={webhook.id} webhook={webhook} />
                ))}
              </Stack>
            )}
          </List>
        </Tabs.Panel>
        <Tabs.Panel value="deliveries">
          <Deliveries projectId={projectId} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
