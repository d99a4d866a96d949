#!/usr/bin/env bash
# npm 11.19.1: `npm audit --offline` says "found 0 vulnerabilities" and exits with 0, without having looked anything up. It is
# no cache of advisories: npm has none. With --json the report is the same as that of a project that was looked up and is clean,
# so a step of CI that runs without a network is green for ever.
#
# Expected: as `npm audit` does where the registry cannot be reached: an error, and an exit code that is not 0.
# Seen:
#   no registry there:  npm error audit endpoint returned an error, exit code 1
#   --offline:          found 0 vulnerabilities, exit code 0
#   --offline --json:   no vulnerabilities, total 0, exit code 0
#
# Needs: bash, node, npm. Speaks to the npm registry once, to install that npm; then to nobody: the registry it audits with is a
# port of loopback where nothing listens. Exits 0 while npm behaves so, 1 once it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --prefix tools --no-audit --no-fund --silent npm@11.19.1
audit() { node tools/node_modules/npm/bin/npm-cli.js audit "$@"; }
export npm_config_registry=http://127.0.0.1:9/ npm_config_cache="$folder/cache" npm_config_fetch_retries=0
cat >package.json <<'JSON'
{ "name": "a-project", "version": "1.0.0", "dependencies": { "lodash": "4.17.15" } }
JSON
cat >package-lock.json <<'JSON'
{
  "name": "a-project", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
  "packages": {
    "": { "name": "a-project", "version": "1.0.0", "dependencies": { "lodash": "4.17.15" } },
    "node_modules/lodash": { "version": "4.17.15" }
  }
}
JSON
code_of() {
  local code=0
  "$@" >said.txt 2>errors.txt || code=$?
  echo "$code"
}
online=$(code_of audit)
grep -m1 'audit endpoint' errors.txt
offline=$(code_of audit --offline)
cat said.txt
json=$(code_of audit --offline --json)
total=$(node -p 'JSON.parse(require("fs").readFileSync("said.txt", "utf8")).metadata.vulnerabilities.total')
echo "no registry there: exit code $online; --offline: exit code $offline; --offline --json: total $total, exit code $json"
[ "$online" -ne 0 ] && [ "$offline" -eq 0 ] && [ "$json" -eq 0 ] && [ "$total" -eq 0 ]
