import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import software.amazon.awssdk.protocols.jsoncore.JsonNode;
import software.amazon.awssdk.services.kms.model.AliasListEntry;
import software.amazon.awssdk.services.kms.model.AlreadyExistsException;
import software.amazon.awssdk.services.kms.model.GetKeyPolicyResponse;
import software.amazon.awssdk.services.kms.model.NotFoundException;
import software.amazon.awssdk.services.kms.model.Tag;

/** Aliases, tags and the key policy. */
final class Names {
    static void walk(Walk w) throws Exception {
        String arn = w.arns.get("symmetric");
        aliases(w, arn);
        tags(w, arn);
        w.call("GetKeyPolicy", () -> {
            GetKeyPolicyResponse answer = w.kms.getKeyPolicy(r -> r.keyId(arn));
            Walk.expect("the name", answer.policyName(), "default");
            JsonNode policy = JsonNode.parser().parse(answer.policy());
            Walk.expect("the number of statements", policy.field("Statement").orElseThrow().asArray().size(), 1);
        });
    }

    private static void aliases(Walk w, String arn) throws Exception {
        String other = w.kms.createKey().keyMetadata().arn();
        String name = "alias/archive-" + UUID.randomUUID();
        w.call("CreateAlias", () -> w.kms.createAlias(r -> r.aliasName(name).targetKeyId(arn)));
        w.call("CreateAlias of a name in use", () -> Walk.refused(AlreadyExistsException.class,
                () -> w.kms.createAlias(r -> r.aliasName(name).targetKeyId(other))));
        w.call("DescribeKey by alias", () -> Walk.expect("the key", w.describe(name).arn(), arn));
        w.call("ListAliases", () -> {
            List<AliasListEntry> listed = w.kms.listAliases(r -> r.keyId(arn)).aliases();
            String aliasArn = arn.substring(0, arn.lastIndexOf(':') + 1) + name;
            Walk.expect("the aliases",
                    listed.stream().map(a -> a.aliasName() + " " + a.aliasArn()).toList(),
                    List.of(name + " " + aliasArn));
        });
        w.call("UpdateAlias", () -> {
            w.kms.updateAlias(r -> r.aliasName(name).targetKeyId(other));
            Walk.expect("the key", w.describe(name).arn(), other);
        });
        w.call("DeleteAlias", () -> {
            w.kms.deleteAlias(r -> r.aliasName(name));
            Walk.refused(NotFoundException.class, () -> w.describe(name));
        });
    }

    private static void tags(Walk w, String arn) throws Exception {
        Tag floor = Tag.builder().tagKey("floor").tagValue("").build();
        Tag room = Tag.builder().tagKey("room").tagValue("archive").build();
        w.call("TagResource", () -> w.kms.tagResource(r -> r.keyId(arn).tags(floor, room)));
        w.call("ListResourceTags", () -> {
            List<Tag> listed = w.kms.listResourceTags(r -> r.keyId(arn)).tags();
            Walk.expect("the tags",
                    listed.stream().sorted(Comparator.comparing(Tag::tagKey)).toList(), List.of(floor, room));
        });
        w.call("UntagResource", () -> {
            w.kms.untagResource(r -> r.keyId(arn).tagKeys("floor"));
            Walk.expect("the tags", w.kms.listResourceTags(r -> r.keyId(arn)).tags(), List.of(room));
        });
    }
}
