import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useClient } from "../client.js";
import { at } from "../queries.js";
import type { Asset } from "../types.js";
import { ConfirmButton } from "../ui/ConfirmButton.js";
import { CopyText } from "../ui/CopyText.js";
import { fieldsOf } from "../ui/fields.js";
import { formText } from "../ui/formText.js";
import { useAct } from "../ui/useAct.js";
import { factsOf } from "./AssetCard.js";
import styles from "./AssetDialog.module.css";
import { useAssetUrl } from "./useAssetUrl.js";

interface Props {
  readonly asset: Asset | null;
  readonly onClose: () => void;
}

/** An asset to be looked at or listened to, renamed, taken away, deleted. */
export const AssetDialog = ({ asset, onClose }: Props) => (
  <Modal opened={asset !== null} onClose={onClose} title={asset?.name} size="lg">
    {asset !== null && <Shown key={asset.id} asset={asset} onClose={onClose} />}
  </Modal>
);

function Shown({ asset, onClose }: { readonly asset: Asset; readonly onClose: () => void }) {
  const client = useClient();
  const path = at(asset.project_id, "assets", asset.id);
  const changes = [["assets", asset.project_id]];
  const rename = useAct((name: string) => client.call("PATCH", path, { body: { name } }), changes, { quiet: true });
  const remove = useAct(() => client.call("DELETE", path), [...changes, ["project", asset.project_id]], {
    quiet: true,
  });
  const url = useAssetUrl(asset, asset.status === "ready").data?.url;
  return (
    <Stack>
      {url !== undefined && <Media asset={asset} url={url} />}
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          {asset.content_type} · {factsOf(asset)}
        </Text>
        <CopyText text={`asset://${asset.id}`} label="its name in requests" />
      </Group>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          rename.mutate(formText(event.currentTarget)("name"), { onSuccess: onClose });
        }}
      >
        <Group align="flex-end">
          <TextInput
            name="name"
            label="Name"
            required
            defaultValue={asset.name}
            error={fieldsOf(rename.error)["/name"]}
            className={styles.name}
          />
          <Button type="submit" variant="default" loading={rename.isPending}>
            Rename
          </Button>
        </Group>
      </form>
      <Group justify="space-between">
        <ConfirmButton
          question="Delete the asset?"
          text="Renders that name it cannot be made again."
          verb="Delete it"
          onConfirm={async () => {
            await remove.mutateAsync();
            onClose();
          }}
        >
          Delete
        </ConfirmButton>
        {url !== undefined && (
          <Button component="a" href={url} download>
            Download
          </Button>
        )}
      </Group>
    </Stack>
  );
}

function Media({ asset, url }: { readonly asset: Asset; readonly url: string }) {
  if (asset.type === "video") return <video className={styles.media} src={url} controls aria-label={asset.name} />;
  if (asset.type === "audio") return <audio className={styles.sound} src={url} controls aria-label={asset.name} />;
  if (asset.type === "image") return <img className={styles.media} src={url} alt={asset.name} />;
  return null;
}
