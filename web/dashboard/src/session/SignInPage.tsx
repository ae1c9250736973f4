import {
  Alert,
  Anchor,
  Button,
  Card,
  PasswordInput,
  SegmentedControl,
  Stack,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useState, type SubmitEvent } from "react";
import { baseUrl, clientOf } from "../client.js";
import { FailureAlert } from "../ui/FailureAlert.js";
import { Owl } from "../ui/Owl.js";
import { fieldsOf } from "../ui/fields.js";
import { formText } from "../ui/formText.js";
import { useTitle } from "../ui/useTitle.js";
import { useSession } from "./session.js";
import styles from "./SignInPage.module.css";

const WAYS = { in: "Sign in", up: "Sign up", key: "With a key" };
type Way = keyof typeof WAYS;

export function SignInPage() {
  const { signIn } = useSession();
  const [way, setWay] = useState<Way>("in");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  useTitle(WAYS[way]);
  const wrong = fieldsOf(failure);

  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const said = formText(event.currentTarget);
    setBusy(true);
    setFailure(null);
    try {
      if (way === "key") {
        const key = said("key");
        await clientOf(key).call("GET", "/me");
        signIn({ key });
        return;
      }
      const body = { email: said("email"), password: said("password") };
      const client = clientOf(null);
      if (way === "up") await client.call("POST", "/auth/register", { body });
      await client.call("POST", "/auth/login", { body });
      signIn({ key: null });
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };

  return (
    <main className={styles.page}>
      <Card className={styles.card} withBorder shadow="sm" padding="xl">
        <form onSubmit={(event) => void submit(event)}>
          <Stack>
            <Stack gap={4} align="center">
              <Owl size={56} />
              <Title order={1} size="h3">
                RenderOwl
              </Title>
              <Text c="dimmed" size="sm">
                Videos from JSON, watched while they are made
              </Text>
            </Stack>
            <ForeignAddress />
            <SegmentedControl
              fullWidth
              aria-label="How to sign in"
              value={way}
              onChange={(chosen) => {
                setWay(chosen);
                setFailure(null);
              }}
              data={(Object.keys(WAYS) as Way[]).map((value) => ({ value, label: WAYS[value] }))}
            />
            <FailureAlert failure={failure} without={["/email", "/password"]} />
            {way === "key" ? (
              <PasswordInput
                name="key"
                label="API key"
                description="Kept by this tab alone, until it is closed; `renderowl keys create` makes one"
                placeholder="ro_live_…"
                autoComplete="off"
                required
              />
            ) : (
              <>
                <TextInput
                  name="email"
                  type="email"
                  label="Email"
                  autoComplete="username"
                  required
                  error={wrong["/email"]}
                />
                <PasswordInput
                  name="password"
                  label="Password"
                  autoComplete={way === "up" ? "new-password" : "current-password"}
                  required
                  error={wrong["/password"]}
                />
              </>
            )}
            <Button type="submit" loading={busy} fullWidth>
              {WAYS[way === "key" ? "in" : way]}
            </Button>
            <Anchor href="/docs" size="sm" ta="center">
              The API, to read and try
            </Anchor>
          </Stack>
        </form>
      </Card>
    </main>
  );
}

/** A session counts at the service's own address alone: said before somebody wonders. */
function ForeignAddress() {
  const own = baseUrl();
  if (!URL.canParse(own) || new URL(own).origin === location.origin) return null;
  return (
    <Alert color="yellow" title="Another address">
      The service calls itself{" "}
      <Anchor href={`${own}/dashboard`} inherit>
        {own}
      </Anchor>
      . Sessions work there, and here only if RENDEROWL_ALLOWED_ORIGINS names {location.origin}.
    </Alert>
  );
}
