import type { Tokens } from 'marked';
import { memo, useMemo } from 'react';
import { ScrollView, StyleSheet, Text, View } from 'react-native';
import { RADIUS, SPACE, TYPE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { Inline } from './inline.tsx';
import { useSteps } from './use-steps.ts';

const NARROWEST = 88;
const WIDEST = 260;
/** About that of a letter, px. */
const LETTER = 8.2;

/** Columns as wide as their longest cell, within reason; the whole scrolls sideways. */
export function Table({ table }: { table: Tokens.Table }) {
  const { colors, strings } = useAssistantTheme();
  const widths = useWidths(table);
  const drawn = useSteps(table.rows.length);
  return (
    <ScrollView
      horizontal
      tabIndex={0}
      aria-label={strings.table}
      role="region"
      style={[styles.frame, { borderColor: colors.border }]}
      contentContainerStyle={styles.content}
    >
      <View role="table" aria-label={strings.table} style={styles.table}>
        <Row cells={table.header} widths={widths} isHead />
        {table.rows.slice(0, drawn).map((row, line) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows only follow one another
          <Row key={line} cells={row} widths={widths} />
        ))}
      </View>
    </ScrollView>
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
        <View
          // biome-ignore lint/suspicious/noArrayIndexKey: columns stay in their order
          key={column}
          role={isHead ? 'columnheader' : 'cell'}
          style={[styles.cell, { flexGrow: widths[column] ?? 1, width: widths[column] ?? NARROWEST }]}
        >
          <Text
            selectable
            style={[
              TYPE.label,
              isHead && styles.head,
              { color: colors.text, textAlign: cell.align ?? 'auto' },
            ]}
          >
            <Inline tokens={cell.tokens} />
          </Text>
        </View>
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
