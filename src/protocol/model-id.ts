/** Around an id: a vendor or a region in front, a date or a version after it, as the API and gateways write them. */
const DECORATED = /^(?:.*\banthropic[./])?(.+?)(?:[-@]\d{8})?(?:-v\d+(?::\d+)?)?$/;

/** The id without a date or a gateway's decoration: `us.anthropic.claude-sonnet-5-5-v1:0` is `claude-sonnet-5-5`. */
export function plainModelId(id: string): string {
  return DECORATED.exec(id)?.[1] ?? id;
}
