/**
 * The SQL the sample shop is made of. `u(n, salt)` is a number in [0, 1) that depends on n, the salt and the seed alone;
 * each choice has its own salt, so that no two choices move together.
 */

/** The mapping written beside the data: also the example people start from. */
export const SAMPLE_SOURCES = {
  title: "Roast & Pour, coffee gear",
  currency: "EUR",
  sources: {
    transactions: [
      "SELECT order_date, order_id, product_key, customer_key, quantity,",
      "       quantity * unit_price AS revenue,",
      "       quantity * (unit_price - unit_cost) AS profit",
      "FROM 'order_lines.parquet'",
    ],
    customers: "SELECT customer_key, name AS customer, region, country FROM 'customers.parquet'",
    products: "SELECT product_key, name AS product, category FROM 'products.parquet'",
  },
};

/** Share: of order lines. The machines are few lines and most of the money. */
const CATEGORIES = `(VALUES
  (1, 'Espresso machines', 0.16, 290.0, 2400.0, 0.62, ['Aurora','Bellini','Corsa','Duetto','Estro','Fiamma','Grazia','Ponte']),
  (2, 'Grinders',          0.13,  79.0,  640.0, 0.58, ['Macina','Pietra','Rotula','Sabbia','Tritone']),
  (3, 'Coffee',            0.38,   8.5,   38.0, 0.55, ['Antigua','Cerrado','Huila','Kochere','Nyeri','Sidamo']),
  (4, 'Cups & glass',      0.19,   6.0,   48.0, 0.45, ['Alba','Chiara','Luna','Perla','Riva']),
  (5, 'Care & spares',     0.14,   4.0,   35.0, 0.40, ['Clean','Descale','Filter','Gasket','Seal'])
) AS c(category_key, category, share, low, high, cost_share, words)`;

const REGIONS = `(VALUES
  (1, 'Bavaria', 'Germany', 0.20), (2, 'Hamburg', 'Germany', 0.12), (3, 'Saxony', 'Germany', 0.06),
  (4, 'Île-de-France', 'France', 0.13), (5, 'Occitanie', 'France', 0.07),
  (6, 'Randstad', 'Netherlands', 0.12), (7, 'Vienna', 'Austria', 0.09), (8, 'Tyrol', 'Austria', 0.04),
  (9, 'Lombardy', 'Italy', 0.11), (10, 'Flanders', 'Belgium', 0.06)
) AS r(region_key, region, country, share)`;

const FIRST_NAMES = `['Anna','Ben','Carla','David','Elif','Finn','Greta','Hugo','Ines','Jonas','Klara','Luca','Mila','Noah','Olga','Paul','Rosa','Simon','Tara','Viktor']`;
const LAST_NAMES = `['Albrecht','Bernard','Conti','Dubois','Egger','Ferrari','Gruber','Hofmann','Ivanov','Jansen','Keller','Lambert','Maier','Novak','Oberholzer','Peeters','Ricci','Schneider','Thomas','Vogel','Weber','Zimmer']`;

/** Tables products, customers and days. `days` says how many of the orders fall on each day. */
export function catalogueSql(rows: number, seed: number): readonly string[] {
  const customers = Math.max(20, Math.round(rows / 10));
  return [
    `CREATE MACRO u(n, salt) AS (hash(n, salt, ${seed}) % 4294967291) / 4294967291.0`,
    // By line, a category is where the line's number falls in the running sum of shares; within it, cheap things sell more.
    `CREATE TABLE categories AS SELECT *, sum(share) OVER (ORDER BY category_key) AS upto, upto - share AS after FROM ${CATEGORIES}`,
    `CREATE TABLE products AS
       SELECT category_key * 100 + n AS product_key, words[1 + n % len(words)] || ' ' || (['', 'Duo ', 'Pro ', 'Classic ', 'Studio '])[1 + n // len(words)] || (100 + 10 * n) AS name, category,
              round(low + (high - low) * pow((n + 0.5) / 24, 2) , 2)::DECIMAL(10,2) AS price,
              round((low + (high - low) * pow((n + 0.5) / 24, 2)) * (cost_share + 0.1 * (u(category_key * 100 + n, 1) - 0.5)), 2)::DECIMAL(10,2) AS cost
       FROM categories, range(24) AS t(n)`,
    `CREATE TABLE regions AS SELECT *, sum(share) OVER (ORDER BY region_key) AS upto, upto - share AS after FROM ${REGIONS}`,
    `CREATE TABLE customers AS
       SELECT k AS customer_key, ${FIRST_NAMES}[1 + (u(k, 2) * 20)::INT % 20] || ' ' || ${LAST_NAMES}[1 + (u(k, 3) * 22)::INT % 22] AS name, region, country
       FROM range(1, ${customers + 1}) AS t(k) JOIN regions ON u(k, 4) >= after AND u(k, 4) < upto`,
    // Growth over the years, a peak before Christmas and a dip in summer, strong Mondays, quiet Saturdays, and some weather.
    `CREATE TABLE weights AS
       SELECT d, (1 + 0.18 * date_diff('day', DATE '2023-01-01', d) / 365.0)
              * (1 + 0.35 * exp(-pow((dayofyear(d) - 340) / 22.0, 2)) - 0.18 * exp(-pow((dayofyear(d) - 205) / 30.0, 2)))
              * [1.0, 1.22, 1.08, 1.04, 1.0, 1.05, 0.72][1 + dayofweek(d)] * (0.85 + 0.3 * u(epoch_ms(d), 5)) AS weight
       FROM (SELECT unnest(generate_series(DATE '2023-01-01', DATE '2025-12-31', INTERVAL 1 DAY))::DATE AS d)`,
    `CREATE TABLE days AS
       SELECT d, coalesce(lag(upto) OVER (ORDER BY d), 0) AS from_order, upto AS to_order
       FROM (SELECT d, round(sum(weight) OVER (ORDER BY d) / sum(weight) OVER () * ${Math.ceil(rows / 2.5)})::BIGINT AS upto FROM weights)`,
  ];
}

/** Order lines in order of date: orders of three and two lines in turn, the last one cut to give exactly `rows`. */
export function linesSql(rows: number): string {
  const customers = Math.max(20, Math.round(rows / 10));
  return `
    WITH orders AS (SELECT d, unnest(range(from_order, to_order)) AS o FROM days),
    lines AS (SELECT d, o, (o * 5 + 1) // 2 + l AS n, l FROM orders, range(3) AS t(l) WHERE l < 2 + (o + 1) % 2),
    -- Care & spares opened in July 2024: until then its lines are coffee.
    chosen AS (
      SELECT d, o, n, CASE WHEN category_key = 5 AND d < DATE '2024-07-01' THEN 3 ELSE category_key END AS category_key
      FROM lines JOIN categories ON u(n, 6) >= after AND u(n, 6) < upto WHERE n < ${rows}),
    picked AS (SELECT *, category_key * 100 + floor(24 * pow(u(n, 7), 1.6))::INT AS product_key FROM chosen)
    SELECT d AS order_date, 'RP' || lpad((o + 1)::VARCHAR, 8, '0') AS order_id, product_key,
           (1 + floor(${customers} * pow(u(o, 8), 1.5)))::INT AS customer_key,
           -- One line in forty comes back; coffee and cups are bought by the handful.
           (CASE WHEN u(n, 9) < 0.025 THEN -1 WHEN category_key IN (3, 4) THEN 1 + floor(4 * u(n, 10)) ELSE 1 END)::INT AS quantity,
           price AS unit_price, cost AS unit_cost
    FROM picked JOIN products USING (product_key) ORDER BY n`;
}
