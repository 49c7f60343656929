#!/usr/bin/env bash
# Writes PublicAPI.Unshipped.txt of every shipped project anew, from its code.
set -euo pipefail
cd "$(dirname "$0")/.."
projects=$(grep -l '<IsShipped>true' */*.csproj | xargs -n 1 dirname)
for project in $projects; do
    for file in Shipped Unshipped; do
        [ $file = Shipped ] && [ -s "$project/PublicAPI.Shipped.txt" ] || echo '#nullable enable' > "$project/PublicAPI.$file.txt"
    done
    rm -f "$project/obj/public-api.sarif"
done

# The analyzer reports what the files lack, each finding with the line that it wants. The sidecar stands on all the others.
dotnet build Moorcheh.Sidecar -v q -clp:NoSummary -p:TreatWarningsAsErrors=false '-p:WarningsNotAsErrors=RS0016' \
    '-p:ErrorLog=obj/public-api.sarif%2cversion=2.1' | grep -v 'warning RS0016' || true

python3 - $projects <<'EOF'
import json, sys

for project in sys.argv[1:]:
    with open(f"{project}/obj/public-api.sarif", encoding="utf-8-sig") as file:
        results = json.load(file)["runs"][0]["results"]
    lines = {result["properties"]["customProperties"]["APIName"] for result in results if result["ruleId"] == "RS0016"}
    with open(f"{project}/PublicAPI.Unshipped.txt", "w", encoding="utf-8") as file:
        file.write("\n".join(["#nullable enable", *sorted(lines)]) + "\n")
    print(f"{project}: {len(lines)} lines")
EOF
