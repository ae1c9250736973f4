/** The API's things that the pages show, by shorter names. */

import type { Schemas } from "@renderowl/client";

export type { Asset, FieldError, Page, Plan, Progress, Project, Render, RenderRequest } from "@renderowl/client";
export type Me = Schemas["MeView"];
export type Key = Schemas["KeyView"];
export type KeyUsage = Schemas["KeyUsage"];
export type StepTimes = Schemas["StepTimes"];
export type OutputFile = Schemas["OutputFile"];
export type Overview = Schemas["Overview"];
export type Automation = Schemas["AutomationView"];
export type AutomationMade = Schemas["AutomationMade"];
export type Execution = Schemas["ExecutionView"];
export type Webhook = Schemas["Webhook"];
export type Delivery = Schemas["Delivery"];
export type Secret = Schemas["SecretView"];
