import type { Tokens } from 'marked';
import { memo, useCallback, useMemo } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { RADIUS, SPACE, TYPE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { stacked } from '../web-props.ts';
import { useOwnDirection } from './direction.ts';
import { Inline } from './inline.tsx';
import { rowMeasure } from './measures.ts';
import { Shares } from './shares.tsx';
import { Sideways } from './sideways.tsx';

const NARROWEST = 88;
const WIDEST = 260;
/** About that of a letter, px. */
const LETTER = 8.2;

/** Columns as wide as their longest cell, within reason; the whole scrolls sideways. */
export function Table({ table, hasCaret }: { table: Tokens.Table; hasCaret: boolean }) {
  const { colors, strings } = useAssistantTheme();
  const widths = useWidths(table);
  const draw = useCallback(
    (rows: readonly (readonly Tokens.TableCell[])[]) =>
      rows.map((row, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows only follow one another
        <Row key={line} cells={row} widths={widths} />
      )),
    [widths],
  );
  return (
    <Sideways
      label={strings.table}
      background={colors.background}
      style={[styles.frame, { borderColor: colors.border }]}
      contentStyle={styles.content}
    >
      <View role="table" aria-label={strings.table} {...useOwnDirection(table.raw, [styles.table, stacked])}>
        <Row cells={table.header} widths={widths} isHead />
        <Shares parts={table.rows} measure={rowMeasure} draw={draw} hasCaret={hasCaret} role="rowgroup" />
      </View>
    </Sideways>
  );
}

/** The same object until a column becomes wider. */
function useWidths({ header, rows }: Tokens.Table): readonly number[] {
  const widths = header.map((head, column) => {
    const longest = rows.reduce(
      (most, row) => Math.max(most, row[column]?.text.length ?? 0),
      head.text.length,
    );
    return Math.min(WIDEST, Math.max(NARROWEST, longest * LETTER + 2 * SPACE.m));
  });
  const key = widths.join();
  return useMemo(() => key.split(',').map(Number), [key]);
}

interface RowProps {
  readonly cells: readonly Tokens.TableCell[];
  /** Of each column, px. */
  readonly widths: readonly number[];
  readonly isHead?: boolean;
}

const Row = memo(function Row({ cells, widths, isHead = false }: RowProps) {
  const { colors } = useAssistantTheme();
  const theme = isHead ? { backgroundColor: colors.code } : { borderColor: colors.border, borderTopWidth: 1 };
  return (
    <View role="row" style={[styles.row, theme]}>
      {cells.map((cell, column) => (
        <Text
          // biome-ignore lint/suspicious/noArrayIndexKey: columns stay in their order
          key={column}
          role={isHead ? 'columnheader' : 'cell'}
          selectable
          style={[
            TYPE.label,
            styles.cell,
            isHead && styles.head,
            { flexGrow: widths[column] ?? 1, width: widths[column] ?? NARROWEST },
            { color: colors.text, textAlign: cell.align ?? 'auto' },
          ]}
        >
          <Inline tokens={cell.tokens} />
        </Text>
      ))}
    </View>
  );
});

const styles = StyleSheet.create({
  frame: { borderWidth: 1, borderRadius: RADIUS.m },
  content: { flexGrow: 1 },
  table: { flexGrow: 1 },
  row: { flexDirection: 'row' },
  cell: { paddingHorizontal: SPACE.m, paddingVertical: SPACE.s },
  head: { fontWeight: '600' },
});
