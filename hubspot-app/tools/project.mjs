// Runs HubSpot's own @hubspot/project-parsing-lib over the project, as `hs project validate` does, without an account:
// the one thing it downloads, the schemas of the components, is answered from schemas.json beside this file.
// `node tools/project.mjs [folder ...]`: a line for each, what was understood or what is wrong, as JSON; exits 1 when
// anything is wrong in any of them.
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { http } from '@hubspot/local-dev-lib/http';
import { parseProjectConfig } from '@hubspot/project-parsing-lib/projects';
import { isTranslationError, translate } from '@hubspot/project-parsing-lib/translate';

const here = dirname(fileURLToPath(import.meta.url));
const folders = process.argv.length > 2 ? process.argv.slice(2) : [join(here, '..')];
const profile = 'example';

const schemas = JSON.parse(readFileSync(join(here, 'schemas.json'), 'utf8'));
const asked = [];
http.get = async (accountId, { url }) => {
  asked.push(url);
  return { data: schemas };
};

/** The uids of a project's components. */
async function understood(folder) {
  const project = parseProjectConfig(folder);
  const context = {
    projectSourceDir: join(folder, project.srcDir),
    platformVersion: project.platformVersion,
    accountId: 1,
  };
  const { intermediateRepresentation: found, skippedHsMetaFiles: skipped } = await translate(context, { profile });
  if (skipped.length > 0) throw new Error(`Not in a folder HubSpot reads: ${skipped.join(', ')}`);
  const expected = `project-components-external/project-schemas/v3/${project.platformVersion}`;
  if (asked.at(-1) !== expected) throw new Error(`The library asked for ${asked.at(-1)}, not for ${expected}.`);
  return Object.keys(found.intermediateNodesIndexedByUid).sort();
}

for (const folder of folders) {
  try {
    console.log(JSON.stringify({ folder, components: await understood(resolve(folder)) }));
  } catch (error) {
    console.log(JSON.stringify({ folder, wrong: isTranslationError(error) ? error.toString() : error.message }));
    process.exitCode = 1;
  }
}
