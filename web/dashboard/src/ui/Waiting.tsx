import { Center, Loader } from "@mantine/core";

export const Waiting = () => (
  <Center py={80}>
    <Loader type="dots" role="status" aria-label="Loading" />
  </Center>
);
