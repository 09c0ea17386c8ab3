/** Lists, page by page. Links to further pages are ONTAP's business and are followed as they are. */
import type { Call, Connection } from './connection.ts';
import { pageEnvelope } from './envelopes.ts';
import { badResponse, type CallFacts } from './failures.ts';

interface Page {
  readonly records: readonly unknown[];
  readonly count: number | undefined;
}

/** All records; a page is fetched when the ones before it are used up. */
export async function* records(connection: Connection, call: Call): AsyncGenerator<unknown, void, undefined> {
  for await (const page of pages(connection, call)) yield* page.records;
}

/** How many there are: ONTAP counts by page, and a page ends when its time is over. */
export async function count(connection: Connection, call: Call): Promise<number> {
  let total = 0;
  for await (const page of pages(connection, { ...call, query: { ...call.query, return_records: false } })) {
    if (page.count === undefined) throw badResponse(connection.facts(call), 'the answer has no num_records', 200);
    total += page.count;
  }
  return total;
}

async function* pages(connection: Connection, call: Call): AsyncGenerator<Page, void, undefined> {
  const followed = new Set<string>();
  let next: Call | undefined = call;
  while (next !== undefined) {
    const facts = connection.facts(next);
    const { status, body } = await connection.send(next);
    const parsed = pageEnvelope.safeParse(body);
    if (!parsed.success) throw badResponse(facts, 'the answer is not a list', status, body);
    const { records: found = [], num_records, _links } = parsed.data;
    yield { records: found, count: num_records };
    const href: string | undefined = _links?.next?.href;
    if (href !== undefined && followed.has(href))
      throw badResponse(facts, 'the list leads back to a page already read', status);
    if (href !== undefined) followed.add(href);
    next = href === undefined ? undefined : following(call, facts, href);
  }
}

/** The same call for what is behind a link. */
export function following(call: Call, facts: CallFacts, href: string): Call {
  return { ...call, query: {}, opaque: true, template: apiPath(facts, href), attempted: facts.attempted };
}

/** The part of a link below `/api`. Links elsewhere are refused: the credentials would go there too. */
function apiPath(facts: CallFacts, href: string): string {
  if (!href.startsWith('/api/')) throw badResponse(facts, `a link leads out of the API: ${href}`, 200);
  return href.slice('/api'.length);
}
