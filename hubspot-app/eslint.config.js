// HubSpot's rules for code that runs inside HubSpot, over the usual ones for TypeScript and React.
import js from '@eslint/js';
import { config as uiExtensions } from '@hubspot/eslint-config-ui-extensions';
import reactHooks from 'eslint-plugin-react-hooks';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig([
  js.configs.recommended,
  tseslint.configs.strict,
  tseslint.configs.stylistic,
  ...uiExtensions,
  reactHooks.configs['recommended-latest'],
]);
