import { WebSocket } from "ws";
import { keepsItsPromises } from "./promises.js";
import { scenarios } from "./scenarios.js";

type Scenario = (world: object, argument?: string) => Promise<never>;

keepsItsPromises((name, world, control, argument) => {
  const scenario = scenarios[name] as Scenario;
  return scenario({ ...world, control, options: { WebSocket } }, argument);
}, "a program");
