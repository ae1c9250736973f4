import { Select, Stack } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { IconPhoto } from "@tabler/icons-react";
import { useState } from "react";
import { useClient } from "../client.js";
import { useProjectId } from "../projects/useProjectId.js";
import { at, listOptions } from "../queries.js";
import type { Asset } from "../types.js";
import { List } from "../ui/List.js";
import { Nothing } from "../ui/Nothing.js";
import { Page } from "../ui/Page.js";
import { AssetCard } from "./AssetCard.js";
import styles from "./AssetsPage.module.css";
import { AssetDialog } from "./AssetDialog.js";
import { DropZone } from "./DropZone.js";
import { SendingList } from "./SendingList.js";

const KINDS = ["video", "audio", "image", "subtitle", "font"];

export function AssetsPage() {
  const client = useClient();
  const projectId = useProjectId();
  const [kind, setKind] = useState<string | null>(null);
  const [shown, setShown] = useState<Asset | null>(null);
  const filter = kind === null ? [] : ([["type", kind]] as const);
  const query = useInfiniteQuery(listOptions<Asset>(client, ["assets", projectId], at(projectId, "assets"), filter));
  return (
    <Page
      title="Assets"
      actions={
        <Select
          aria-label="Show kinds of assets"
          placeholder="All kinds"
          clearable
          clearButtonProps={{ "aria-label": "Show all" }}
          w={140}
          data={KINDS}
          value={kind}
          onChange={setKind}
        />
      }
    >
      <Stack>
        <DropZone />
        <SendingList />
        <List
          query={query}
          nothing={
            <Nothing
              icon={IconPhoto}
              title={kind === null ? "No assets yet" : `No assets of this kind`}
              text="What you upload is named asset://… in requests."
            />
          }
        >
          {(assets) => (
            <ul className={styles.grid} aria-label="Assets">
              {assets.map((asset) => (
                <AssetCard key={asset.id} asset={asset} onShow={() => setShown(asset)} />
              ))}
            </ul>
          )}
        </List>
      </Stack>
      <AssetDialog asset={shown} onClose={() => setShown(null)} />
    </Page>
  );
}
