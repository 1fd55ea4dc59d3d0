// The tests of card and settings page: no browser, no network, HubSpot's own renderer.
import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['tests/**/*.test.{ts,tsx}'], environment: 'node', watch: false } });
