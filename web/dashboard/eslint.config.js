import hooks from "eslint-plugin-react-hooks";
import { defineConfig } from "eslint/config";
import ts from "typescript-eslint";

export default defineConfig(ts.configs.strictTypeChecked, hooks.configs.flat.recommended, {
  languageOptions: { parserOptions: { projectService: { allowDefaultProject: ["eslint.config.js"] } } },
  rules: {
    "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    "max-lines": ["error", 250],
  },
});
