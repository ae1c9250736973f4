import { Button } from "@mantine/core";
import { IconMapQuestion } from "@tabler/icons-react";
import { Link } from "react-router";
import { Nothing } from "./Nothing.js";
import { Page } from "./Page.js";

export const NoSuchPage = () => (
  <Page title="No such page">
    <Nothing icon={IconMapQuestion} title="There is nothing here">
      <Button component={Link} to="/projects">
        To the projects
      </Button>
    </Nothing>
  </Page>
);
