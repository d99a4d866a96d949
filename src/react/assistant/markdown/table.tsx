import type { Tokens } from 'marked';
import { ScrollView, StyleSheet, Text, View } from 'react-native';
import { useLook } from '../look.tsx';
import { RADIUS, SPACE, TYPE } from '../theme.ts';
import { Inline } from './inline.tsx';

const NARROWEST = 88;
const WIDEST = 260;
/** About that of a letter, px. */
const LETTER = 8.2;

/** Columns as wide as their longest cell, within reason; the whole scrolls sideways. */
export function Table({ table }: { table: Tokens.Table }) {
  const { colors, strings } = useLook();
  const widths = table.header.map((head, column) => {
    const cells = [head, ...table.rows.flatMap((row) => row[column] ?? [])];
    const longest = Math.max(...cells.map(({ text }) => text.length));
    return Math.min(WIDEST, Math.max(NARROWEST, longest * LETTER + 2 * SPACE.m));
  });
  const rows = [table.header, ...table.rows];
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
        {rows.map((row, line) => (
          <View
            // biome-ignore lint/suspicious/noArrayIndexKey: rows only follow one another
            key={line}
            role="row"
            style={[
              styles.row,
              line === 0
                ? { backgroundColor: colors.code }
                : { borderColor: colors.border, borderTopWidth: 1 },
            ]}
          >
            {row.map((cell, column) => (
              <View
                // biome-ignore lint/suspicious/noArrayIndexKey: columns stay in their order
                key={column}
                role={line === 0 ? 'columnheader' : 'cell'}
                style={[styles.cell, { flexGrow: widths[column] ?? 1, width: widths[column] ?? NARROWEST }]}
              >
                <Text
                  selectable
                  style={[
                    TYPE.label,
                    line === 0 && styles.head,
                    { color: colors.text, textAlign: cell.align ?? 'auto' },
                  ]}
                >
                  <Inline tokens={cell.tokens} />
                </Text>
              </View>
            ))}
          </View>
        ))}
      </View>
    </ScrollView>
  );
}

const styles = StyleSheet.create({
  frame: { borderWidth: 1, borderRadius: RADIUS.m },
  content: { flexGrow: 1 },
  table: { flexGrow: 1 },
  row: { flexDirection: 'row' },
  cell: { paddingHorizontal: SPACE.m, paddingVertical: SPACE.s },
  head: { fontWeight: '600' },
});
