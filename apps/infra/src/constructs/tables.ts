/**
 * The tables of packages/aws/src/dynamodb/table.ts, as declared there: keys, indexes, expiry, stream. On demand, so that nothing
 * is paid while nobody asks; kept when the stack goes, because they hold what was promised to be kept.
 */
import { RemovalPolicy } from "aws-cdk-lib";
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
  type Attribute,
} from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import { TABLES, type KeySchema, type TableDefinition, type TableName } from "@streamer/aws/table";

export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];
export const indexesOf = (name: TableName): readonly string[] => Object.keys(TABLES[name].indexes);

export class Tables extends Construct {
  readonly byName: Readonly<Record<TableName, Table>>;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.byName = Object.fromEntries(TABLE_NAMES.map((name) => [name, createTable(this, name, TABLES[name])])) as Record<TableName, Table>;
  }

  /** Changes when the table is made anew: the name of the store that clients compare. */
  get epoch(): string {
    return this.streamArn;
  }

  get streamArn(): string {
    const arn = this.byName.requests.tableStreamArn;
    if (arn === undefined) throw new Error("The requests table has no stream: table.ts must declare one.");
    return arn;
  }
}

function createTable(scope: Construct, name: TableName, { key, indexes, expiryAttribute, stream }: TableDefinition): Table {
  const table = new Table(scope, name, {
    ...keysOf(key),
    billingMode: BillingMode.PAY_PER_REQUEST,
    timeToLiveAttribute: expiryAttribute,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    // Encrypted with DynamoDB's own key, which costs nothing for each request.
    encryption: TableEncryption.DEFAULT,
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
    ...(stream && { stream: StreamViewType.NEW_AND_OLD_IMAGES }),
  });
  for (const [indexName, indexKey] of Object.entries(indexes)) {
    table.addGlobalSecondaryIndex({ indexName, ...keysOf(indexKey), projectionType: ProjectionType.KEYS_ONLY });
  }
  return table;
}

function keysOf({ partition, sort }: KeySchema): { readonly partitionKey: Attribute; readonly sortKey?: Attribute } {
  return { partitionKey: attribute(partition), ...(sort && { sortKey: attribute(sort) }) };
}

const attribute = ([name, type]: KeySchema["partition"]): Attribute => ({
  name,
  type: type === "S" ? AttributeType.STRING : AttributeType.NUMBER,
});
