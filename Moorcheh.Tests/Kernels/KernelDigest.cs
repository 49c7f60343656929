using System.Security.Cryptography;
using Moorcheh.Kernels;

namespace Moorcheh.Tests.Kernels;

/// <summary>A hash of everything the kernels produce from fixed inputs. It must not depend on the instruction set.</summary>
internal static class KernelDigest
{
    public static string Compute()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (int dimension in KernelData.Dimensions)
        {
            var set = new KernelSet(KernelData.Vectors(dimension, ordinary: 66), KernelData.Centre(dimension));
            hash.AppendData(set.Codes);
            hash.AppendData(KernelSet.Raw(set.Factors));
            hash.AppendData(KernelSet.Raw(set.Bytes));
            hash.AppendData(KernelSet.Raw(set.ByteFactors));

            const int Queries = 7;
            int tableBytes = BlockLayout.TableBytes(set.Padded);
            byte[] tables = new byte[Queries * tableBytes];
            int[] sums = new int[Queries * set.Masks.Length * 64];
            var terms = new QueryTerms[Queries];
            for (int i = 0; i < Queries; i++)
            {
                terms[i] = set.Tables(Query(set, i), tables.AsSpan(i * tableBytes, tableBytes));
            }

            BlockScan.Scan(set.Codes, set.Masks, set.Padded, 0, set.Masks.Length, tables, Queries, sums);
            hash.AppendData(tables);
            hash.AppendData(KernelSet.Raw(terms));
            hash.AppendData(KernelSet.Raw(sums));
            for (int i = 0; i < Queries; i++)
            {
                int[] own = sums.AsSpan(i * set.Masks.Length * 64, set.Masks.Length * 64).ToArray();
                hash.AppendData(KernelSet.Raw(KernelSet.Collect(own, set.Factors, set.Masks, new BinaryBounds(terms[i], 3), 5)));

                short[] values = new short[set.Padded];
                ByteQuery byteQuery = ByteQuery.Quantise(Query(set, i), values);
                ByteScan.Scan(set.Bytes, set.Masks, values, own);
                hash.AppendData(KernelSet.Raw(values));
                hash.AppendData(KernelSet.Raw([byteQuery]));
                hash.AppendData(KernelSet.Raw(own));
                var bounds = new ByteBounds(byteQuery, Query(set, i), set.Centre);
                hash.AppendData(KernelSet.Raw(KernelSet.Collect(own, set.ByteFactors, set.Masks, bounds, 5)));
            }
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static float[] Query(KernelSet set, int i) => i < 3 ? KernelData.Unit(set.Dimension, 500 + (ulong)i) : set.Vectors[^(i - 2)];
}
