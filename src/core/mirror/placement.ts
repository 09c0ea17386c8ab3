/** Core (layer 1): where the constituents of a destination FlexGroup go. */

/** As `POST /storage/volumes` wants it: so many constituents on each of these aggregates. */
export interface FlexgroupPlacement {
  readonly aggregates: readonly string[];
  readonly constituentsPerAggregate: number;
}

/**
 * ONTAP relates FlexGroups of the same number of constituents only, and makes the same number on each aggregate: so the most of the
 * mapped aggregates are taken whose number divides that of the constituents, in the order of the map.
 */
export function flexgroupPlacement(constituents: number, mapped: readonly string[]): FlexgroupPlacement {
  const distinct = [...new Set(mapped)];
  const most = Math.min(distinct.length, constituents);
  const count = Array.from({ length: most }, (_, less) => most - less).find((each) => constituents % each === 0) ?? 1;
  return { aggregates: distinct.slice(0, count), constituentsPerAggregate: Math.max(1, constituents / count) };
}
